"""What would go wrong, found on all machines before anything is changed."""
