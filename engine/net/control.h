/* control: the operations that the receiving reactor answers itself: hello, ping, info, stats.
 *
 * Not here   the JSON of info and stats (watch/stats_text.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_ENGINE_NET_CONTROL_H
#define SOUK_ENGINE_NET_CONTROL_H

#include "engine/net/dispatch.h"

/* Answers a well-formed frame of class CONTROL. DONE, or MOVE after a hello for another reactor. */
enum dispatch_result control_serve(struct reactor *reactor, const struct origin *origin,
                                   const struct frame_header *header, const u8 *body);

#endif
