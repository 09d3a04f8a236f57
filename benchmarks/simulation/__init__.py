"""What many processes and many people would cost: reckoned from what few were measured to cost."""
