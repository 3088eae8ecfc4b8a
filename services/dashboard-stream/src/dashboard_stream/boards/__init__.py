"""What a dashboard is: the readings it shows, under which names. Data only; imports no other package of the service."""
