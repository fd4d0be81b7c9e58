// What the browser keeps between visits: how the page looks. Never a secret.

/** The value kept under a name; `usual` where there is none, or the browser keeps nothing. */
export function kept(name, usual) {
  try {
    return JSON.parse(localStorage.getItem(`weir-${name}`)) ?? usual;
  } catch {
    return usual;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(`weir-${name}`, JSON.stringify(value));
  } catch {
    // Without storage it lasts as long as the page.
  }
}
