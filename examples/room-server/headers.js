/**
 * What a browser may do with the pages of this server, and with its answers.
 *
 * @param {object} options
 * @param {import('./visitor.js').Visitors} options.visitors
 * @param {boolean} options.tls
 * @returns {import('express').RequestHandler}
 */
export function securityHeaders({ visitors, tls }) {
  return (request, response, next) => {
    // Not every browser takes a WebSocket for 'self' (CSP 3, 6.7.2.8), so it is named.
    const host = visitors.siteOf(request)?.host
    const webSockets = host ? ` ws://${host} wss://${host}` : ''
    response.set({
      'Content-Security-Policy': [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "manifest-src 'self'",
        `connect-src 'self'${webSockets}`,
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'"
      ].join('; '),
      // For browsers that know no frame-ancestors.
      'X-Frame-Options': 'DENY',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()',
      ...(tls && { 'Strict-Transport-Security': 'max-age=31536000' })
    })
    next()
  }
}
