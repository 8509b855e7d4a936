"""What a stack costs in a month: its resources' fixed prices, and what each lead uses on its way."""
