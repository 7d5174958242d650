/**
 * What a token says, for the page to show. Only the server checks it.
 *
 * @param {string | null} token a JSON Web Token (RFC 7519)
 * @returns {{ name?: string, video?: { room?: string, roomCreate?: boolean, canPublish?: boolean } }}
 */
export function claimsOf(token) {
  const payload = token?.split('.')[1]
  if (!payload) return {}
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), letter => letter.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes))
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    return {}
  }
}
