"""What people look at: reports with pictures."""
