"""gst-rtsp-server with mounts of a test: `rtsp-server.py '{"mounts": {"/live": "( ... )"}}'`. Prints its port when it listens."""

import json
import sys

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstRtsp', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)
# Launch lines may have line breaks.
options = json.loads(sys.argv[1], strict=False)
server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service(str(options.get('port', 0)))

if 'user' in options:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string('media.factory.role', 'viewer')
    if options.get('scheme') == 'basic':
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        basic = GstRtspServer.RTSPAuth.make_basic(options['user'], options['password'])
        auth.add_basic(basic, token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options['user'], options['password'], token)
    server.set_auth(auth)

protocols = {'udp': GstRtsp.RTSPLowerTrans.UDP, 'tcp': GstRtsp.RTSPLowerTrans.TCP}
for path, launch in options['mounts'].items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch)
    factory.set_shared(True)
    if 'protocol' in options:
        factory.set_protocols(protocols[options['protocol']])
    if 'user' in options:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role('viewer', 'media.factory.access', True)
        permissions.add_permission_for_role('viewer', 'media.factory.construct', True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)

if server.attach(None) == 0:
    sys.exit('the port is taken')
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
