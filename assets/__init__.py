"""What the product ships beside code: models, levels, pictures, demonstrations."""
