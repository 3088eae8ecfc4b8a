"""What the application knows: topics, questions that people ask, and sayings to answer with."""

from __future__ import annotations

QUESTIONS: dict[str, tuple[str, ...]] = {
    "meditation": (
        "How do I begin to meditate?",
        "My mind wanders when I sit. What can I do?",
        "How long should I meditate each day?",
        "What is the difference between focus and open awareness?",
        "Can I meditate while walking?",
        "Why do I fall asleep when I meditate?",
    ),
    "anger": (
        "How do I let go of anger at a friend?",
        "Is anger ever useful?",
        "What can I do in the moment when I get angry?",
        "How do I answer an unfair accusation?",
    ),
    "grief": (
        "How do I live with the loss of my mother?",
        "Does grief end?",
        "How can I comfort someone who mourns?",
        "Why do I feel guilty when I laugh again?",
    ),
    "purpose": (
        "What is my duty in this situation?",
        "How do I find out what I am here for?",
        "Is it wrong to want success?",
        "How do I choose between two good paths?",
        "What is work without attachment to its fruits?",
    ),
    "gratitude": (
        "How do I practise gratitude when things go badly?",
        "What is a simple evening ritual of thanks?",
        "Can gratitude be learned?",
    ),
    "fear": (
        "How do I stop worrying about the future?",
        "I am afraid of speaking in public. What helps?",
        "What do the teachings say about death?",
        "How do I sleep when I am anxious?",
    ),
    "relationships": (
        "How do I forgive my father?",
        "When should I leave a relationship?",
        "How can I listen better?",
        "How do I set a boundary with kindness?",
        "What is love without clinging?",
    ),
    "patience": (
        "How do I become more patient with my children?",
        "Why does change take so long?",
        "How do I wait without suffering?",
    ),
}

QUOTES: tuple[tuple[str, str], ...] = (
    ("meditation", "Sit down, and let the lake settle by itself."),
    ("meditation", "The breath is a door that is always open."),
    ("meditation", "To notice that you wandered is already to have come home."),
    ("anger", "Hold the hot coal only as long as you like the smell of burning."),
    ("anger", "Wait three breaths; the storm is honest about its size by then."),
    ("grief", "Grief is the shape that love takes when it has nowhere to go."),
    ("grief", "Carry it together; it does not get lighter, you get stronger."),
    ("purpose", "Do the next small thing, and do it whole."),
    ("purpose", "The field is yours; the harvest belongs to the weather."),
    ("purpose", "A river does not ask whether the sea deserves it."),
    ("gratitude", "Count one thing before the lamp goes out."),
    ("gratitude", "What you thank, you begin to see."),
    ("fear", "Tomorrow has its own lantern."),
    ("fear", "Courage is fear that has found something dearer."),
    ("relationships", "Listen until the other hears himself."),
    ("relationships", "A fence with a gate is not a wall."),
    ("patience", "The tree does not pull at its own leaves."),
    ("patience", "Slow is also a direction."),
)

_WORDS = {topic: {w.strip("?,.").lower() for q in questions for w in q.split()} for topic, questions in QUESTIONS.items()}


def topic_of(question: str) -> str:
    """The topic whose questions share most words with ``question``; ``life`` where none shares any."""
    words = {w.strip("?,.!").lower() for w in question.split()}
    shared = {topic: len(words & known) for topic, known in _WORDS.items()}
    best = max(shared, key=lambda topic: shared[topic])
    return best if shared[best] else "life"
