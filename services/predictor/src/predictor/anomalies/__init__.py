"""From aggregates to incidents: the engine, the judgement by the minute, the incidents, and the insights that report them."""
