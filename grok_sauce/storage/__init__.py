"""What is kept on disk: one module a table family."""
