// What the contract's schemas, which come with config.json, say about a text or about an answer of the service.

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const MAIL = new RegExp(`^(?=.{1,64}@)${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}$`);

const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** The formats that the contract names and JSON Schema leaves to the reader. */
const FORMATS = {
  email: (text) => MAIL.test(text),
  rut(text) {
    const [digits, check] = text.toUpperCase().split("-");
    const total = [...digits].reverse().reduce((sum, digit, i) => sum + Number(digit) * (2 + (i % 6)), 0);
    return "0123456789K0"[11 - (total % 11)] === check;
  },
  "date-time": (text) => DATE_TIME.test(text) && !Number.isNaN(Date.parse(text)),
};

/** Each keyword of a schema that text can break; the first broken one speaks. */
const CHECKS = {
  pattern: (limit, text) => new RegExp(limit, "u").test(text),
  minLength: (limit, text) => [...text].length >= limit,
  maxLength: (limit, text) => [...text].length <= limit,
  format: (limit, text) => !FORMATS[limit] || FORMATS[limit](text),
  enum: (limit, text) => limit.includes(text),
};

/** The first keyword of a text's schema that the text breaks. */
export const brokenRule = (schema, text) =>
  Object.keys(CHECKS).find((rule) => rule in schema && !CHECKS[rule](schema[rule], text));

const TYPES = {
  string: (value) => typeof value === "string",
  array: Array.isArray,
  object: (value) => value !== null && typeof value === "object" && !Array.isArray(value),
};

/** Whether a part of an answer holds to its schema, as far as keywords go that the answers' schemas use. */
function holds(schema, value) {
  const { type, allOf = [], items = {}, properties = {}, required = [], additionalProperties } = schema;
  if ((type && !TYPES[type](value)) || !allOf.every((each) => holds(each, value))) return false;
  if (typeof value === "string") return !brokenRule(schema, value);
  if (Array.isArray(value)) return value.every((item) => holds(items, item));
  return (
    required.every((name) => Object.hasOwn(value, name)) &&
    Object.entries(type === "object" ? value : {}).every(([name, inner]) =>
      Object.hasOwn(properties, name) ? holds(properties[name], inner) : additionalProperties !== false,
    )
  );
}

/** The answer's body when the contract allows it; null for anything else, such as a page of somebody else's. */
export async function answerOf(response, schema) {
  const isJson = /^application\/json\s*(;|$)/i.test(response.headers.get("Content-Type") ?? "");
  const body = isJson ? await response.json().catch(() => null) : null;
  return holds(schema, body) ? body : null;
}
