"""The tests: one folder per ring; tests/conftest.py gives each folder its marker."""
