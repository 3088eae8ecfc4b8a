"""What the page costs and how soon it shows what came, in a real browser before the whole product: ``make bench-web``."""
