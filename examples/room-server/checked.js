import { Refusal } from './problem.js'

/**
 * What came as JSON, or a refusal that says which field is wrong.
 *
 * @template {import('zod').ZodType} T
 * @param {T} schema
 * @param {unknown} value
 * @returns {import('zod').infer<T>}
 */
export function checked(schema, value) {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue.path.join('.')
  throw new Refusal(400, `${field || 'body'}: ${issue.message}`, { code: 'bad-request', ...(field && { field }) })
}
