"""A socket's two directions, and the gate that counts who holds one."""
