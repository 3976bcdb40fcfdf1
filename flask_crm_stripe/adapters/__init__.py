"""What the ports are made of: the database, Stripe, queues, the vault. Only the extension knows them."""
