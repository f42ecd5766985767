// Addresses of a model folder's files.

/** @param source the folder with or without a slash, or its model.json; a query is kept for all files. */
export function folderUrl(source: string | URL): (name: string) => string {
  const here = typeof location === 'undefined' ? undefined : location.href;
  const given = new URL(source, here);
  const base =
    /\.json$/.test(given.pathname) || given.pathname.endsWith('/')
      ? given
      : new URL(`${given.pathname}/${given.search}`, given);
  return (name) => {
    const url = new URL(name, base);
    url.search = base.search;
    return url.href;
  };
}
