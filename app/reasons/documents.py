"""What keeps an action item from a machine, and what is wrong with a post-mortem or an edit of it."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "type-not-declared": (
        "The item has no type of its own in a Type column, or none that was declared.",
        "Write Alert, Config or Monitor in the Type cell if a machine may do it.",
    ),
    "type-needs-human": (
        "The declared type is one that people do: Architecture, Investigation, Runbook or Migration.",
        "Do it, and mark it as done.",
    ),
    "type-unknown": (
        "The declared type is none of those that are known.",
        "Write Alert, Config or Monitor exactly so, or leave it to people.",
    ),
    "lookalike-characters": (
        "A word looks like one that counts and is spelt with other characters.",
        "Type it again with plain letters; `followthrough lint --fix` does so where there is one right spelling.",
    ),
    "hidden-characters": (
        "The row holds characters that nobody sees.",
        "Take them out; `followthrough lint` names the line.",
    ),
    "hidden-text": (
        "A cell holds markup whose text no reader of the page sees.",
        "Write it so that everybody sees it.",
    ),
    "row-too-long": ("The row is longer than 4 KiB.", "Keep the row short and put the details below the table."),
    "row-malformed": (
        "The row has more or fewer cells than its table.",
        "Count the cells; a pipe in a cell is written with a backslash before it.",
    ),
    "row-outside-table": (
        "The row stands outside of any table.",
        "Put it under the table's head, without a blank line between.",
    ),
    "columns-ambiguous": ("Two columns of the table could be the same one.", "Give each column a name of its own."),
    "not-in-action-section": (
        "The table does not stand under a heading that announces work.",
        "Move it under a heading such as Action Items.",
    ),
    "in-comment": ("The row stands in an HTML comment, which no reader sees.", "Take it out of the comment."),
    "in-html": ("The row stands in HTML.", "Write the table in Markdown."),
    "in-details": ("The row stands in a part that is folded away.", "Take it out of the details."),
    "in-fence": ("The row stands in a block of code.", "Take it out of the block."),
    "in-quote": ("The row stands in a quotation.", "Take it out of the quotation."),
    "in-list": ("The table stands within a list.", "Put the table on a level of its own."),
    "section-on-hold": (
        "The section's heading says that its items are put off.",
        "Move the item to a section that is not.",
    ),
    "status-unclear": ("The status does not plainly say that the item is open.", "Write TODO in the Status cell."),
    "duplicate-action": (
        "The same action stands in the document more than once.",
        "Word the items differently, or remove one.",
    ),
    "too-many-todos": (
        "The document has more items than a machine takes on at once.",
        "Split it, or mark what is done; 50 are taken.",
    ),
    "dry-run": (
        "The repository is in dry-run mode: what would be done is said, nothing is done.",
        'Set `mode = "apply"` when you have seen enough.',
    ),
    "already-done": (
        "An earlier run has done it, and the document did not say so yet.",
        "Nothing; the document is brought up to date.",
    ),
    "already-refused": ("A rule refused it before, and its text is the same.", "Reword the TODO, or do it by hand."),
    "already-unknown": (
        "An apply of it may have happened in part, in an earlier run.",
        "Look at the stack; then mark it as done or reword it.",
    ),
    "already-awaiting-approval": (
        "An earlier run has planned it, and it waits for a person.",
        "Approve or decline it.",
    ),
    "already-needs-human": (
        "An earlier run has landed it and did not see it work.",
        "Look at what was seen, and mark it as done when it works.",
    ),
    "not-utf8": ("The file is not text in UTF-8.", "Save it as UTF-8."),
    "too-large": (
        "The file is larger than what is read.",
        "Make it smaller: 256 KiB for a post-mortem, 64 MiB for a plan.",
    ),
    "item-gone": (
        "The item is not in the document any more: its row was removed or reworded.",
        "Nothing, unless the row was reworded by mistake.",
    ),
    "status-not-editable": ("The item has no status cell or box that could be changed.", "Mark it as done by hand."),
    "follow-up-not-editable": (
        "The table Follow-up Implementation has a form that cannot be filled.",
        "Give it the columns of the template, or remove it: a new one is written.",
    ),
    "edit-not-proven": (
        "The edit would have changed more of the document than the one item.",
        "Update the document by hand, and report the document's form.",
    ),
    "fix-not-proven": ("The fix would have changed more than the findings that it mends.", "Mend the lines by hand."),
    "title-unusable": (
        "The title gives no usable file name or would leave its place in the document.",
        "Choose a title in plain words, on one line.",
    ),
    "post-mortem-gone": (
        "The post-mortem is not on the branch any more.",
        "Nothing, unless it was removed by mistake; what was landed stays.",
    ),
    "write-back-lost": (
        "The branch moved each time that the results were to be written into the post-mortem.",
        "Push the post-mortem again: what was done is known, and the document is brought up to date.",
    ),
}
