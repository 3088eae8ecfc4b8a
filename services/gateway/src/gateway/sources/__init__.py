"""Events from clients that people already have: what the SDKs of PostHog, Segment and RudderStack post, as events of ours."""
