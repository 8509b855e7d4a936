// What the doors for people forgive, by the contract's `x-tidy`. The operators' half is operations/tidy.py.

/** A text, rewritten by its schema's steps. Doing it again changes nothing. */
export const tidied = (schema, text) =>
  (schema["x-tidy"] ?? []).reduce(
    (kept, { normalize, replace, by }) =>
      normalize ? kept.normalize(normalize) : kept.replace(new RegExp(replace, "gu"), by),
    text,
  );
