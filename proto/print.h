/* print: records and frame headers in words, for people who read a mismatch, a log or a REPL.
 *
 *      take resource=sku:7 quantity=5 owner=42 id=018f...-0001 replaces=0
 *      take OK sellable=95
 *      take ALL_HELD retry_after_ms=1500 sellable=0
 *
 * One printer for all operations: it walks the field table of proto/messages.h, so an operation
 * that is added is printed without a line here. The form is for eyes and may change; what is parsed
 * by programs is made elsewhere.
 *
 * Ownership  writes to the caller's buffer, always terminated, silently cut where it does not fit.
 * Failure    none. The record must have been validated (frame_records_valid).
 * Not here   money with its currency, JSON, the names of an operation's numbers (state, reason).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOUK_PROTO_PRINT_H
#define SOUK_PROTO_PRINT_H

#include "proto/base.h"
#include "proto/frame.h"

/* Prints the record at `record` and returns `to`. Reserved fields are left out; text in spans is
 * shown in quotes, bytes that are not printable ASCII as \xNN. */
char *print_record(const struct message_info *info, enum frame_direction direction,
                   const u8 *record, char *to, size_t capacity);

/* Prints every record of a body, one per line; returns `to`. */
char *print_records(const struct message_info *info, enum frame_direction direction, const u8 *body,
                    u32 count, char *to, size_t capacity);

/* Prints a header in one line and returns `to`; fields that are 0 are left out. */
char *print_header(const struct frame_header *header, char *to, size_t capacity);

#endif
