"""What hostile input of one tenant costs the others: the product as ``make run`` starts it, attacked and watched at once."""
