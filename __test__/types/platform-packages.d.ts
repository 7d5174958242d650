/** The packages of the platforms, of which at most one is installed. */
declare module '@medialoom/*' {
  const native: any
  export = native
}
