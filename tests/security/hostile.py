"""Text that an interpreter on the way would obey: SQL, JSON, JSONata, templates, logs, headers, terminals."""

# Without control characters, as a name may be.
IN_ONE_LINE = {
    "sql": "Robert'); DROP TABLE CLIENTS; --",
    "sql, double quotes": '" OR ""="',
    "sql, backslash": "\\'; DELETE FROM CLIENTS; #",
    "sql, comment": "/**/UNION/**/SELECT/**/1,2,3--",
    "driver's placeholders": "%s %(name)s {0} %n",
    "json": '","status":"COMPLETED","x":"',
    "jsonata": "{% $states.context.Execution.Id %}",
    "jsonata, a sum": "{% 7 * 7 %}",
    "json path": "$.detail.rut",
    "intrinsic function": "States.Format('{}', $.rut)",
    "template, braces": "{{ 7 * 7 }}{{ config }}",
    "template, dollar": "${7*7}#{7*7}<%= 7*7 %>",
    "input transformer": "<aws.events.event.json>",
    "pulumi": "${config:apiKey}",
    "shell": "$(reboot)`reboot`; reboot | reboot",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "log, line separators": "one\u2028ERROR two\u2029three",
    "log, a record": "x level=ERROR message=forged requestId=0",
    "direction": "\u202egpj.exe\u2066",
    "formula": "=cmd|' /C calc'!A0",
    "lookup": "${jndi:ldap://127.0.0.1/a}",
    "path": "../../../../etc/passwd",
    "astral": "𝒳" * 50,
}
# With them, as nothing may be.
IN_SEVERAL_LINES = {
    "log, a line": 'x\n{"level": "ERROR", "message": "forged"}',
    "header": "x\r\nSet-Cookie: session=1\r\n\r\n<html>",
    "terminal": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "terminal, 8-bit": "\u009b31mred\u009b0m",
    "next line": "one\u0085two",
    "end of text": "x\x00y",
    "delete": "\x7f",
}
EVERYTHING = IN_ONE_LINE | IN_SEVERAL_LINES
