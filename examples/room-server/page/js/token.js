/** What lets one in, from the link that was opened; null where the server asks nobody. */
export function tokenOfAddress() {
  return new URLSearchParams(location.hash.slice(1)).get('token')
}
