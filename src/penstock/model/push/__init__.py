"""What is pushed to clouds: the images of a source, the accounts they go to, what became of them, and what the clouds say of them."""
