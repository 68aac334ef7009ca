"""Text that other visitors will see."""

import regex

# What Persian and Indian scripts and emoji need: joiners and variation selectors.
JOINERS = "\u200c\u200d\ufe0e\ufe0f"
# Control characters, line separators, and what Unicode calls ignorable by default:
# characters that show nothing, or turn the direction of the text around them.
HIDDEN = regex.compile(
    rf"[[\p{{C}}\p{{Zl}}\p{{Zp}}\p{{Default_Ignorable_Code_Point}}]--[{JOINERS}]]",
    regex.VERSION1,
)
VISIBLE = regex.compile(r"[\p{L}\p{N}\p{Emoji_Presentation}]")


def visible_text_problem(text: str) -> str | None:
    """Say in a sentence what cannot be seen in a text; None if it is good.

    Hidden characters fake names, and PostgreSQL cannot store NUL.
    """
    if HIDDEN.search(text):
        return "Leave out the invisible control characters."
    if not VISIBLE.search(text):
        return "Write at least one letter or number."
    return None
