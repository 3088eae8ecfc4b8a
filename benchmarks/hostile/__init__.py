"""What hostile input, or a hostile machine, costs: the product as ``make run`` starts it, attacked and watched at once."""
