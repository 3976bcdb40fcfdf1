"""What tests share: servers to talk to, a browser, guards. Fixtures in here are loaded by tests/conftest.py."""
