"""A webrtcbin that publishes test sound and pictures by WHIP, or watches by WHEP.

    client.py publish URL BUNDLE-POLICY SOUND-PAYLOAD-TYPE PICTURE-PAYLOAD-TYPE
    client.py watch URL

A payload type of 0 leaves its kind out. Writes one JSON object a line: how the connection is, and
how many buffers were decoded of each kind. Ends when its standard input does, so that it does not
outlive who started it.
"""

import json
import sys
import threading
import urllib.request

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('GstWebRTC', '1.0')
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

REPORT_MS = 100
REQUEST_SECONDS = 10
WRITING = threading.Lock()

SOUND = (
    'audiotestsrc is-live=true freq=440 ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt={pt}'
    ' ! application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload={pt} ! peer.'
)
PICTURE = (
    'videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=20/1'
    ' ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=20 ! rtpvp8pay pt={pt} picture-id-mode=15-bit'
    ' ! application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload={pt} ! peer.'
)
DECODERS = {
    'audio': 'rtpopusdepay ! opusdec ! fakesink name=sink signal-handoffs=true sync=false',
    'video': 'rtpvp8depay ! vp8dec ! fakesink name=sink signal-handoffs=true sync=false',
}


class Client:
    def __init__(self, url, pipeline):
        self.url = url
        self.decoded = {'audio': 0, 'video': 0}
        self.pipeline = pipeline
        self.peer = pipeline.get_by_name('peer')
        self.peer.connect('notify::ice-gathering-state', self.on_gathering)
        self.peer.connect('pad-added', self.on_pad)
        self.posted = False
        # Written before it is connected, too: a client that hangs can be told from one that is gone.
        GLib.timeout_add(REPORT_MS, self.report)

    def offer(self, *_):
        self.peer.emit('create-offer', None, Gst.Promise.new_with_change_func(self.on_offer))

    def on_offer(self, promise):
        # Kept in a variable: the offer lies in it, and Python does not know.
        reply = promise.get_reply()
        self.peer.emit('set-local-description', reply.get_value('offer'), Gst.Promise.new())

    def on_gathering(self, *_):
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if self.posted or self.peer.get_property('ice-gathering-state') != complete:
            return
        self.posted = True
        threading.Thread(target=self.post, daemon=True).start()

    def post(self):
        offer = self.peer.get_property('local-description').sdp.as_text()
        write(offer=offer)
        request = urllib.request.Request(self.url, offer.encode(), {'Content-Type': 'application/sdp'})
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:
                answer = response.read().decode()
        except urllib.error.HTTPError as error:
            return write(error=f'{error.code} {error.read().decode()}')
        write(answer=answer)
        _, parsed = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, parsed)
        self.peer.emit('set-remote-description', description, Gst.Promise.new_with_change_func(self.on_answered))

    def on_answered(self, promise):
        reply = promise.get_reply()
        if reply and reply.has_field('error'):
            write(error=f'the answer is refused: {reply.get_value("error")}')

    def on_pad(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string('media')
        decoder = Gst.parse_bin_from_description(DECODERS[kind], True)
        decoder.get_by_name('sink').connect('handoff', self.on_decoded, kind)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad('sink'))

    def on_decoded(self, _sink, _buffer, _pad, kind):
        self.decoded[kind] += 1

    def report(self):
        write(state=self.peer.get_property('connection-state').value_nick, **self.decoded)
        return True


def write(**fields):
    # Threads of ours and of GStreamer's write lines, not pieces of them.
    with WRITING:
        print(json.dumps(fields), flush=True)


def publishing(url, policy, sound, picture):
    sources = [(SOUND, sound), (PICTURE, picture)]
    described = ' '.join(source.format(pt=pt) for source, pt in sources if pt != '0')
    client = Client(url, Gst.parse_launch(f'webrtcbin name=peer bundle-policy={policy} {described}'))
    client.peer.connect('on-negotiation-needed', client.offer)
    return client


def watching(url):
    # A description of one element alone makes no pipeline.
    pipeline = Gst.Pipeline()
    pipeline.add(Gst.parse_launch('webrtcbin name=peer bundle-policy=max-bundle'))
    client = Client(url, pipeline)
    # Before it is ready webrtcbin takes none.
    client.pipeline.set_state(Gst.State.READY)
    for received in [
        'application/x-rtp,media=audio,encoding-name=OPUS,encoding-params=(string)2,clock-rate=48000,payload=97',
        'application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96',
    ]:
        caps = Gst.Caps.from_string(received)
        client.peer.emit('add-transceiver', GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, caps)
    # Without a source nothing tells that negotiation is needed.
    GLib.idle_add(client.offer)
    return client


def end_with_input(loop):
    sys.stdin.read()
    loop.quit()


def main(role, *arguments):
    Gst.init(None)
    client = {'publish': publishing, 'watch': watching}[role](*arguments)
    client.pipeline.set_state(Gst.State.PLAYING)
    loop = GLib.MainLoop()
    threading.Thread(target=end_with_input, args=(loop,), daemon=True).start()
    loop.run()
    client.pipeline.set_state(Gst.State.NULL)


main(*sys.argv[1:])
