"""Values that cross a port. No behaviour beyond what the value itself knows."""
