"""What came of a delivery, and why a request is not let in."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "runs-started": ("The push changed post-mortems, and each got a run.", "Nothing."),
    "no-post-mortem-changed": (
        "The push changed no post-mortem with open work.",
        "Nothing; `repository.post_mortems` says which files are looked at.",
    ),
    "own-commits": ("Every commit of the push was made by a run.", "Nothing."),
    "already-followed": ("What the delivery tells of was looked into before.", "Nothing."),
    "duplicate": ("A delivery with this id came before.", "Nothing."),
    "ping": ("The forge tried the webhook.", "Nothing."),
    "event-not-handled": ("Events of this kind cause nothing.", "Let the webhook send push events only."),
    "unknown-repository": ("No repository of this name is configured.", "Add a `[[repository]]`, or correct the name."),
    "other-branch": (
        "The push was to another branch than the configured one.",
        "Nothing, or correct `repository.branch`.",
    ),
    "branch-deleted": ("The push deleted the branch.", "Nothing, unless that was a mistake."),
    "pusher-not-allowed": ("Who pushed is not among `allowed_pushers`.", "Add them, or let somebody push who is."),
    "pusher-unknown": (
        "The reconciler found the push, and git does not say who pushed.",
        "Look at the commits; `followthrough replay` vouches for them.",
    ),
    "bad-signature": (
        "The signature is missing or does not fit.",
        "Give the webhook the secret of `github.webhook_secrets`.",
    ),
    "bad-headers": ("The forge's headers are missing or malformed.", "See that no proxy takes them away."),
    "bad-content-type": ("The webhook does not send JSON.", "Set its content type to application/json."),
    "bad-json": ("The body is not JSON.", "See that no proxy changes it."),
    "bad-payload": ("The push payload lacks what is needed.", "See that the forge is one of those that are supported."),
    "body-too-large": (
        "The body is larger than what is read.",
        "Raise `server.max_body_bytes` when such pushes are yours.",
    ),
    "bad-request": (
        "The request lacks something, or something of it cannot be.",
        "Mend what the message names; /openapi.json says what is taken.",
    ),
    "no-such-thing": ("There is nothing at this address.", "Correct the address."),
    "method-not-allowed": ("The address is there and does not take this method.", "See /openapi.json."),
    "commit-missing": (
        "The form did not say which commit it is about.",
        "Load the page again: you approve what you see.",
    ),
    "reason-missing": ("No reason was given.", "Say why; it is kept."),
    "reason-too-long": ("The reason is too long.", "Say it in fewer words."),
    "bad-decision": ("The decision is neither yes nor no.", "Say approved or declined."),
    "too-many-followers": (
        "Too many follow runs at the same time.",
        "Wait a little; pages can be loaded again by hand.",
    ),
}
