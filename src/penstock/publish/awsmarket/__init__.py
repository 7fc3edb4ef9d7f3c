"""AWS Marketplace: an image for each account, a version for each product, and old versions restricted."""
