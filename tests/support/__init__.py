"""What tests share; each module is about one thing, which its first line names."""
