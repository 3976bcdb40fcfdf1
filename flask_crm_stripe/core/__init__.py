"""Use cases, one module per capability. Rules are pure functions; acting is the methods around them."""
