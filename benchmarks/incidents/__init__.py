"""Planted incidents: which the live product finds, how soon, and how often it cries wolf. ``python -m benchmarks.incidents``.

How this works
--------------
A small application is simulated: three services and three models (:mod:`.application`), driven by
recorded arrivals. A **plan**, made from a seed, says which incidents happen when, how severe, and to whom. The **traffic**
follows from the plan and the same seed: every request, call, look-up, event and report of a process, with its time. Without
incidents the same seed gives the same traffic, so that what differs is what was planted.

That traffic goes one of two ways:

* *live*: as an application's producer sends it (events and requests by the SDK onto NATS, metrics as OTLP to the gateway), in
  real time, into the four services on free ports; what they say is read from INSIGHTS, and was heard when the bus stored it;
* *simulated*: as the one-second aggregates that analytics makes of it, straight into the predictor's engine, some eighty
  times faster; heard :data:`~benchmarks.incidents.windows.FINAL_S` seconds after a window's end.

Plan, truth, ear and score are the same for both.

* :mod:`.plan`: kinds, severities, when; :mod:`.truth`: what is known of each, as JSON lines
* :mod:`.application`, :mod:`.arrivals`, :mod:`.traffic`: what happens in the application
* :mod:`.windows`: traffic to aggregates; :mod:`.messages`: traffic to what producers send
* :mod:`.simulated`, :mod:`.live`: the two ways
* :mod:`.heard`, :mod:`.score`, :mod:`.report`: alarms, marks, the table
"""
