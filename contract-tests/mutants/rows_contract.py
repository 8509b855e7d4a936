"""Breakages of openapi.yaml. Gateway, validators and form follow it: who relies on it must notice."""

from mutants import killers
from mutants.mutant import Mutant, rows

_CONTRACT = rows("contract", "openapi.yaml", killers.EXPECTATIONS)


def _schema(name: str) -> str:
    return f"\n    {name}:\n      "


def _operation(name: str) -> str:
    return f"operationId: {name}\n      tags: "


ROWS: tuple[Mutant, ...] = (
    # narrowed
    _CONTRACT("a name has 99 characters", "maxLength: 100", "maxLength: 99"),
    _CONTRACT("a name has two characters at least", "minLength: 1\n", "minLength: 2\n", after=_schema("Name")),
    _CONTRACT(
        "a name is of Latin letters", "pattern: ^[^\\u0000-\\u001F\\u007F-\\u009F]+$", "pattern: ^[A-Za-z ]+$"
    ),
    _CONTRACT("a RUT has eight digits", "pattern: ^0*[1-9][0-9]{4,8}-", "pattern: ^0*[1-9][0-9]{7}-"),
    _CONTRACT("a RUT has no leading zeros", "pattern: ^0*[1-9]", "pattern: ^[1-9]"),
    _CONTRACT(
        "a phone is text only",
        "        - type: integer\n          format: int64\n          minimum: 1000000\n"
        "          maximum: 999999999999999\n",
        "",
    ),
    _CONTRACT(
        "a phone has no plus sign",
        "pattern: ^\\+?[0-9]{7,15}$\n          maxLength",
        "pattern: ^[0-9]{7,15}$\n          maxLength",
    ),
    _CONTRACT("an e-mail address has 100 characters", "maxLength: 254", "maxLength: 100", killers=killers.COLUMN),
    _CONTRACT(
        "a store has 32 characters",
        "pattern: ^[A-Za-z0-9_]{2,64}$\n      maxLength: 64",
        "pattern: ^[A-Za-z0-9_]{2,32}$\n      maxLength: 32",
    ),
    _CONTRACT("every client wants the benefit", "type: boolean", "type: boolean\n      enum: [true]"),
    _CONTRACT("no lead comes from the app", "enum: [web, app]", "enum: [web]"),
    _CONTRACT(
        "a lead's id is a UUID",
        "pattern: ^[A-Za-z0-9_-]{1,64}$\n      maxLength: 64",
        "pattern: ^[A-Za-z0-9_-]{36}$\n      maxLength: 36",
        killers=killers.PRIMARY_KEY,
    ),
    _CONTRACT("the lead's id is required in a header", "required: false", "required: true", killers=killers.FUZZ),
    _CONTRACT(
        "a client needs an address",
        "required: [name, lastname, rut, phone, mail]",
        "required: [name, lastname, rut, phone, mail, address]",
        after=_schema("Client"),
    ),
    # widened
    _CONTRACT("a name has 200 characters", "maxLength: 100", "maxLength: 200"),
    _CONTRACT("a name may hold control characters", "      pattern: ^[^\\u0000-\\u001F\\u007F-\\u009F]+$\n", ""),
    _CONTRACT("a name may be of spaces", "      format: visible\n", ""),
    _CONTRACT(
        "any text of its shape is a RUT",
        "      format: rut\n      pattern: ^0*",
        "      pattern: ^0*",
    ),
    _CONTRACT(
        "a RUT in the CRM may have ten digits",
        "pattern: ^[1-9][0-9]{4,8}-[0-9K]$\n      maxLength: 11",
        "pattern: ^[1-9][0-9]{4,9}-[0-9K]$\n      maxLength: 12",
        killers=killers.COLUMN,
    ),
    _CONTRACT(
        "a phone has 20 digits",
        "pattern: ^\\+?[0-9]{7,15}$\n          maxLength: 16",
        "pattern: ^\\+?[0-9]{7,20}$\n          maxLength: 21",
    ),
    _CONTRACT("a phone that is a number has 18 digits", "maximum: 999999999999999", "maximum: 999999999999999999"),
    _CONTRACT("a phone may be any number", "- type: integer\n", "- type: number\n"),
    _CONTRACT("any text is an e-mail address", "      format: email\n", ""),
    _CONTRACT("an e-mail address has 320 characters", "maxLength: 254", "maxLength: 320"),
    _CONTRACT(
        "a store has 100 characters",
        "pattern: ^[A-Za-z0-9_]{2,64}$\n      maxLength: 64",
        "pattern: ^[A-Za-z0-9_]{2,100}$\n      maxLength: 100",
    ),
    _CONTRACT(
        "a lead comes from anywhere", "enum: [web, app]", "enum: [web, app, phone]", killers=killers.ORIGINS
    ),
    _CONTRACT(
        "a client needs no mail",
        "required: [name, lastname, rut, phone, mail]",
        "required: [name, lastname, rut, phone]",
        after=_schema("Client"),
    ),
    _CONTRACT("a lead needs no store", "phone, mail, store, wantsBenefit", "phone, mail, wantsBenefit"),
    _CONTRACT("a partner needs no store", "required: [rut, store]", "required: [rut]"),
    _CONTRACT(
        "a client may hold more",
        "additionalProperties: false\n",
        "additionalProperties: true\n",
        after=_schema("Client"),
    ),
    _CONTRACT(
        "a lead may hold more",
        "additionalProperties: false\n",
        "additionalProperties: true\n",
        after=_schema("Lead"),
    ),
    _CONTRACT("a benefit may be a question", "type: boolean", "type: string"),
    # removed
    _CONTRACT(
        "createClient has no conflict",
        "        '409': {$ref: '#/components/responses/Conflict'}\n",
        "",
        after=_operation("createClient"),
    ),
    _CONTRACT(
        "createPartner always has a client",
        "        '404': {$ref: '#/components/responses/NotFound'}\n",
        "",
        after=_operation("createPartner"),
    ),
    _CONTRACT(
        "createClient needs no key by its answers",
        "        '403': {$ref: '#/components/responses/Forbidden'}\n",
        "",
        after=_operation("createClient"),
    ),
    _CONTRACT(
        "createClient is never throttled",
        "        '429': {$ref: '#/components/responses/TooManyRequests'}\n",
        "",
        after=_operation("createClient"),
    ),
    _CONTRACT(
        "createClient is always available",
        "        '503': {$ref: '#/components/responses/Unavailable'}\n",
        "",
        after=_operation("createClient"),
    ),
    _CONTRACT(
        "submitLead takes a body of any size",
        "        '413': {$ref: '#/components/responses/PayloadTooLarge'}\n",
        "",
        after=_operation("submitLead"),
    ),
    _CONTRACT(
        "submitLead is never refused",
        "        '400': {$ref: '#/components/responses/BadRequest'}\n",
        "",
        after=_operation("submitLead"),
    ),
    _CONTRACT(
        "submitLead is always available",
        "        '503': {$ref: '#/components/responses/Unavailable'}\n",
        "",
        after=_operation("submitLead"),
    ),
    _CONTRACT(
        "getLead knows every lead",
        "        '404': {$ref: '#/components/responses/NotFound'}\n",
        "",
        after=_operation("getLead"),
    ),
    _CONTRACT(
        "getClient knows every client",
        "        '404': {$ref: '#/components/responses/NotFound'}\n",
        "",
        after=_operation("getClient"),
        killers=killers.ORPHAN,
    ),
    _CONTRACT(
        "submitLead does not say where its lead is",
        "              required: true\n",
        "",
        after="relative to this request's own URL (RFC 9110).",
    ),
    _CONTRACT(
        "a 503 need not say when to come back",
        "      required: true\n",
        "",
        after="Seconds to wait before the next try.",
    ),
    _CONTRACT(
        "a lead does not say why it failed", "        error:\n          allOf", "        reason:\n          allOf"
    ),
    _CONTRACT(
        "a lead never fails",
        "enum: [SUBMITTED, PROCESSING, COMPLETED, FAILED]",
        "enum: [SUBMITTED, PROCESSING, COMPLETED]",
    ),
    _CONTRACT(
        "a client has no partner",
        "        partner:\n          type: object",
        "        store:\n          type: object",
        killers=killers.WHOLE_CLIENT,
    ),
    _CONTRACT(
        "partners are not walked to from clients",
        "          links:\n            partner:\n",
        "          x-links:\n            partner:\n",
        killers=killers.LINKS,
    ),
    # renamed
    _CONTRACT(
        "the field wantsBenefit of a benefit",
        "wantsBenefit]\n      properties:\n        rut: {$ref: '#/components/schemas/Rut'}\n        wantsBenefit:",
        "benefit]\n      properties:\n        rut: {$ref: '#/components/schemas/Rut'}\n        benefit:",
        after=_schema("Benefit"),
    ),
    _CONTRACT("the field mail of a lead", "        mail: {$ref", "        email: {$ref", after=_schema("Lead")),
    _CONTRACT("the path of createPartner", "  /create_partner:\n", "  /partners:\n"),
    _CONTRACT("the operation createBenefit", _operation("createBenefit"), _operation("addBenefit")),
    _CONTRACT("the key's header", "name: x-api-key", "name: x-key"),
    _CONTRACT("the lead's header", "name: X-Lead-Id", "name: X-Correlation-Id"),
    _CONTRACT(
        "the receipt's leadId",
        "required: [leadId, status]\n      properties:\n        leadId:",
        "required: [id, status]\n      properties:\n        id:",
    ),
    _CONTRACT(
        "the message's code", "        message:\n          type: string", "        code:\n          type: string"
    ),
    _CONTRACT("a lead's status", "        status: {$ref", "        state: {$ref", after=_schema("LeadStatus")),
    # another type
    _CONTRACT(
        "the message's status is text",
        "        statusCode:\n          type: integer\n          minimum: 200\n          maximum: 599\n",
        "        statusCode:\n          type: string\n",
    ),
    _CONTRACT(
        "createClient takes a form",
        "application/json:",
        "application/x-www-form-urlencoded:",
        after=_operation("createClient"),
    ),
    _CONTRACT("submitLead answers 200", "        '202':\n", "        '200':\n"),
    _CONTRACT(
        "createClient answers 201", "        '200':\n", "        '201':\n", after=_operation("createClient")
    ),
    # security
    _CONTRACT(
        "createClient needs no key",
        "      security:\n        - api_key: []\n",
        "      security: []\n",
        after=_operation("createClient"),
    ),
    _CONTRACT(
        "getClient needs no key",
        "      security:\n        - api_key: []\n",
        "      security: []\n",
        after=_operation("getClient"),
        killers=killers.CRM_KEYS,
    ),
    _CONTRACT(
        "submitLead needs a key",
        "      security: []\n",
        "      security:\n        - api_key: []\n",
        after=_operation("submitLead"),
    ),
    _CONTRACT(
        "createPartner says nothing of a key",
        "      security:\n        - api_key: []\n",
        "",
        after=_operation("createPartner"),
        killers=killers.CRM_KEYS,
    ),
)
