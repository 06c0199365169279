"""What is spoken over HTTP: intake, health, metrics."""
