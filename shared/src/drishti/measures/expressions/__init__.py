"""The expression language of KPIs and queries: from text to a tree, and from the values of its terms to a number. Pure.

``100 * count(feedback where satisfaction >= 4) / count(feedback)`` is arithmetic over two **terms**. A term is one aggregate of
one metric or of events; what it comes to is merged from rollup cells, so that an expression is right over any range and any
number of replicas: a ratio of sums, never a mean of ratios.
"""
