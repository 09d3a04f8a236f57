"""The load generator: clients enough for any of the servers, in processes of their own."""
