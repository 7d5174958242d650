import { createLink, linksNeedToken } from '../invite.js'
import { byId } from './element.js'
import { notice } from './notices.js'

/** @typedef {import('/client/index.js').Room} Room */

/** Hands out links to the room: a host chooses for whom, anybody else copies the address. @param {Room} call */
export function offerLinks(call) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('invite'))
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector('form'))
  byId('copy-link').onclick = () => {
    if (linksNeedToken && call.permissions.roomAdmin) dialog.showModal()
    else void copy(call, 'guest')
  }
  form.onsubmit = () => {
    const who = new FormData(form).get('who')
    void copy(call, /** @type {import('../invite.js').LinkFor} */ (who))
  }
  byId('invite-cancel').onclick = () => dialog.close()
}

/** @param {Room} call @param {import('../invite.js').LinkFor} who */
async function copy(call, who) {
  let link
  try {
    link = await createLink(call, who)
  } catch (error) {
    return notice(`There is no link: ${/** @type {Error} */ (error).message}`, true)
  }
  try {
    await navigator.clipboard.writeText(link)
    notice('The link to this room is on the clipboard')
  } catch {
    notice(`Send them this: ${link}`)
  }
}
