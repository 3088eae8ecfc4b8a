"""Drop-off autopsy: what differs between those who went on to a step of a funnel and those who left before it. Pure."""
