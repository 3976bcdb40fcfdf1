"""What the core needs from the outside, as Protocols. Each has a real adapter and an in-memory twin."""
