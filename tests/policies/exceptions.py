"""Where a rule does not hold, and why: (rule, stacks, resource without the stack's prefix) -> the reason."""

LOCAL, DEV = ("local",), ("dev",)
EVERYWHERE = ("local", "dev", "prod", "on-premise")
_ON_THIS_MACHINE = "the local stack's database listens on the loopback interface of the same machine"
_THROWN_AWAY = "a stack without real leads is taken down again (protect: false)"

EXCEPTIONS: dict[tuple[str, tuple[str, ...], str], str] = {
    ("not_public", EVERYWHERE, "form-url"): "the form is a public page",
    ("not_public", EVERYWHERE, "form-public-url"): "the form is a public page",
    ("not_public", EVERYWHERE, "form-public-invoke"): "the form is a public page, through its URL only",
    ("loses_no_event", EVERYWHERE, "leads-stray-target"): "its target is the dead-letter queue itself",
    ("loses_no_event", EVERYWHERE, "lead-age-target"): "a measurement that fails is made anew a minute later",
    (
        "encrypted",
        EVERYWHERE,
        "leads-fingerprint-key",
    ): "KMS changes no HMAC key by itself, and it encrypts nothing",
    **{
        ("protected", ("local", "dev"), f"leads-{what}"): _THROWN_AWAY
        for what in ("table", "archive", "dead-letters")
    },
    ("protected", DEV, "crm-instance"): _THROWN_AWAY,
    ("leaves_a_copy", DEV, "crm-instance"): _THROWN_AWAY,
    **{
        ("encrypted_on_the_way", LOCAL, f"api-{name}-function"): _ON_THIS_MACHINE
        for name in ("create-client", "create-partner", "create-benefit", "get-client", "migrations")
    },
}
