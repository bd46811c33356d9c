// @ts-check
export async function startFolder() {}
