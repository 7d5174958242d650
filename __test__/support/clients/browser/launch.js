'use strict'

/**
 * Browsers behind one interface: `launch` gives a browser whose `open(url)` gives a page, of which
 * the tests use `evaluate(function, argument)` and no more. Both run without a window, with fake
 * media, and reach no network but the machine's own.
 */

const { findChromium } = require('../../../../scripts/chromium.js')
const { findFirefox } = require('../../../../scripts/firefox.js')
const { FLAGS } = require('../../../browser/fixture.js')

const FIREFOX_PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.peerconnection.ice.loopback': true,
  // Who may not use the camera gets the default address alone, which is not the loopback's.
  'permissions.default.camera': 1,
  'permissions.default.microphone': 1,
  // Nothing but the tests' own traffic.
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'services.settings.server': 'http://127.0.0.1:9/'
}

const chromium = {
  name: 'Chromium',
  missing: findChromium() ? null : 'there is none: install one, or name it in CHROMIUM',
  async launch() {
    const { chromium } = require('playwright-core')
    const browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS })
    return {
      async open(url) {
        const page = await browser.newPage()
        await page.goto(url)
        return page
      },
      close: () => browser.close()
    }
  }
}

const firefox = {
  name: 'Firefox',
  missing: findFirefox() ? null : 'there is none: install Debian’s firefox-esr, or name one in FIREFOX',
  async launch() {
    const puppeteer = require('puppeteer-core')
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: findFirefox(),
      headless: true,
      extraPrefsFirefox: FIREFOX_PREFERENCES
    })
    return {
      async open(url) {
        const page = await browser.newPage()
        await page.goto(url)
        return page
      },
      close: () => browser.close()
    }
  }
}

module.exports = { chromium, firefox }
