/* test_order_saga: every way of proto/saga.def, as tables of what happens and what comes of it. The order
 * is two units at 3.33 and one at 4.33: 10.99.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/shards/order_script.h"

#define ALL 1099

#define A          COMMAND_KIND_AUTHORIZE
#define C          COMMAND_KIND_CAPTURE
#define V          COMMAND_KIND_VOID
#define R          COMMAND_KIND_REFUND
#define Q          COMMAND_KIND_QUERY
#define E(kind)    PAYMENT_EVENT_##kind
#define IS(name)   .state = SAGA_STATE_##name
#define BUT(name)  .reason = STATUS_##name
#define DOES(name) .effect = PAYMENT_EFFECT_##name

/* From the checkout to CAPTURING, and to PAID. */
#define PLACED_NOW                         \
    {BUY, IS(AUTHORIZING)}, {LEASE, A},    \
    {                                      \
        TELL, E(AUTHORIZED), IS(CAPTURING) \
    }
#define PAID_NOW                                   \
    PLACED_NOW, {LEASE, C},                        \
    {                                              \
        TELL, E(CAPTURED), IS(PAID), DOES(APPLIED) \
    }
#define PLACED_ON_SHIP                     \
    {BUY, 1, IS(AUTHORIZING)}, {LEASE, A}, \
    {                                      \
        TELL, E(AUTHORIZED), IS(PLACED)    \
    }

/* ---- before it is placed ---- */

static const struct line paid[] = {PAID_NOW, {END}};
static const struct line paid_by_card[] = {{BUY, IS(PAID)}, {NO_LEASE, A}, {END}};
static const struct line declined[] = {{BUY, IS(AUTHORIZING)},
                                       {LEASE, A},
                                       {TELL, E(DECLINED), IS(CANCELLED), BUT(PAYMENT_DECLINED)},
                                       {NO_LEASE, V},
                                       {END}};
static const struct line action[] = {{BUY, IS(AUTHORIZING)},
                                     {LEASE, A},
                                     {TELL, E(ACTION), IS(ACTION_REQUIRED)},
                                     {TELL, E(AUTHORIZED), IS(CAPTURING)},
                                     {LEASE, C},
                                     {TELL, E(CAPTURED), IS(PAID)},
                                     {END}};
static const struct line action_declined[] = {{BUY},
                                              {LEASE, A},
                                              {TELL, E(ACTION), IS(ACTION_REQUIRED)},
                                              {HOOK, E(DECLINED), IS(CANCELLED)},
                                              {END}};
static const struct line action_given_up[] = {{BUY},
                                              {LEASE, A},
                                              {TELL, E(ACTION), IS(ACTION_REQUIRED)},
                                              {GIVE_UP, IS(VOID_PENDING), BUT(GIVEN_UP)},
                                              {LEASE, V},
                                              {TELL, E(VOIDED), IS(CANCELLED), BUT(GIVEN_UP)},
                                              {END}};
static const struct line action_unpaid[] = {
    {BUY},
    {LEASE, A, 15 * MINUTE - 1},
    {WAIT, 0, 15 * MINUTE, IS(AUTH_UNKNOWN)},
    {HOOK, E(ACTION), IS(ACTION_REQUIRED)},
    {WAIT, 0, 15 * MINUTE, IS(AUTH_UNKNOWN)},
    {HOOK, E(ACTION), IS(ACTION_REQUIRED)},
    {WAIT, 0, 15 * MINUTE, IS(AUTH_UNKNOWN)},
    {HOOK, E(ACTION), IS(ACTION_REQUIRED)},
    {WAIT, 0, 15 * MINUTE - 1, IS(ACTION_REQUIRED)},
    {WAIT, 0, 1, IS(VOID_PENDING), BUT(PAYMENT_EXPIRED)},
    {LEASE, V},
    {TELL, E(NO_SUCH_PAYMENT), .status = STATUS_LEASE_LOST, IS(VOID_PENDING), DOES(STALE)},
    {HOOK, E(VOIDED), IS(CANCELLED), BUT(PAYMENT_EXPIRED)},
    {END}};
static const struct line unknown_authorized[] = {{BUY},
                                                 {LEASE, A},
                                                 {TELL, E(UNKNOWN), IS(AUTH_UNKNOWN)},
                                                 {LEASE, Q},
                                                 {TELL, E(AUTHORIZED), IS(CAPTURING)},
                                                 {NO_LEASE, Q},
                                                 {LEASE, C},
                                                 {TELL, E(CAPTURED), IS(PAID)},
                                                 {END}};
static const struct line unknown_declined[] = {
    {BUY},      {WAIT, 0, 15 * MINUTE - 1, IS(AUTHORIZING)}, {WAIT, 0, 1, IS(AUTH_UNKNOWN)},
    {LEASE, Q}, {HOOK, E(DECLINED), IS(CANCELLED)},          {END}};
static const struct line never_seen[] = {{BUY},
                                         {WAIT, 0, 15 * MINUTE, IS(AUTH_UNKNOWN)},
                                         {HOOK, E(NO_SUCH_PAYMENT), IS(CANCELLED)},
                                         {NO_LEASE, V},
                                         {END}};
static const struct line unknown_given_up[] = {
    {BUY},     {LEASE, A}, {WAIT, 0, 15 * MINUTE, IS(AUTH_UNKNOWN)}, {GIVE_UP, IS(VOID_PENDING)},
    {GIVE_UP}, {LEASE, V}, {TELL, E(VOIDED), IS(CANCELLED)},         {GIVE_UP, IS(CANCELLED)},
    {END}};
static const struct line given_up_unseen[] = {
    {BUY}, {GIVE_UP, IS(CANCELLED), BUT(GIVEN_UP)}, {NO_LEASE, A}, {NO_LEASE, V}, {END}};
static const struct line given_up_seen[] = {{BUY},
                                            {LEASE, A},
                                            {GIVE_UP, IS(VOID_PENDING), BUT(GIVEN_UP)},
                                            {LEASE, V},
                                            {TELL, E(VOIDED), IS(CANCELLED), BUT(GIVEN_UP)},
                                            {END}};
static const struct line given_up_holding[] = {{BUY, IS(HOLDING), .is_held_back = true},
                                               {GIVE_UP, IS(COMPENSATING), .is_held_back = true},
                                               {CARRY, IS(CANCELLED), BUT(GIVEN_UP)},
                                               {END}};
static const struct line too_little[] = {
    {BUY},
    {LEASE, A},
    {TELL, E(AUTHORIZED), ALL - 1, IS(VOID_PENDING), BUT(PAYMENT_DECLINED), DOES(FLAGGED)},
    {LEASE, V},
    {TELL, E(VOIDED), IS(CANCELLED), BUT(PAYMENT_DECLINED)},
    {END}};
static const struct line out_of_stock[] = {
    {BUY}, {GIVE_UP, IS(CANCELLED)}, {STEAL}, {BUY, IS(CANCELLED), BUT(OUT_OF_STOCK)}, {END}};

/* ---- captures ---- */

static const struct line capture_fails[] = {PLACED_NOW,
                                            {LEASE, C},
                                            {TELL, E(CAPTURE_FAILED), IS(CAPTURING)},
                                            {AGAIN, DOES(SEEN)},
                                            {LEASE, C},
                                            {TELL, E(CAPTURED), IS(PAID)},
                                            {END}};
static const struct line capture_fails_for_good[] = {PLACED_NOW,
                                                     {LEASE, C},
                                                     {TELL, E(CAPTURE_FAILED), IS(CAPTURING)},
                                                     {LEASE, C},
                                                     {TELL, E(CAPTURE_FAILED), IS(NEEDS_OPERATOR)},
                                                     {NO_LEASE, C},
                                                     {RESOLVE, RESOLVE_RETRY, IS(CAPTURING)},
                                                     {LEASE, C},
                                                     {TELL, E(CAPTURED), IS(PAID)},
                                                     {END}};
static const struct line capture_unknown[] = {PLACED_NOW,
                                              {LEASE, C},
                                              {ACK, C},
                                              {WAIT, 0, 2 * MINUTE - 1, IS(CAPTURING)},
                                              {WAIT, 0, 1, IS(CAPTURE_UNKNOWN)},
                                              {LEASE, Q},
                                              {TELL, E(CAPTURED), IS(PAID)},
                                              {NO_LEASE, Q},
                                              {END}};
static const struct line capture_not_done[] = {PLACED_NOW,
                                               {LEASE, C},
                                               {TELL, E(UNKNOWN), IS(CAPTURING)}, /* of A: stale */
                                               {ACK, C},
                                               {WAIT, 0, 2 * MINUTE, IS(CAPTURE_UNKNOWN)},
                                               {TELL, E(CAPTURE_FAILED), IS(CAPTURING)},
                                               {LEASE, C},
                                               {TELL, E(CAPTURED), IS(PAID)},
                                               {END}};
/* "No such payment" was true when the provider was asked; a worker has brought it the capture since. So
 * although nobody wants it any more it is brought again, until there is a result, and given back. */
static const struct line captured_after_the_question[] = {
    PLACED_NOW,
    {LEASE, C},
    {ACK, C},
    {WAIT, 0, 2 * MINUTE, IS(CAPTURE_UNKNOWN)},
    {LEASE, Q},
    {TELL, E(NO_SUCH_PAYMENT), IS(CAPTURING), DOES(APPLIED), .of = Q},
    {LEASE, C},
    {CANCEL, 0, IS(CAPTURING)},
    {TELL, E(NO_SUCH_PAYMENT), IS(CAPTURING), DOES(APPLIED), .of = Q},
    {NO_LEASE, V},
    {LEASE, C},
    {TELL, E(CAPTURED), IS(REFUND_PENDING), DOES(APPLIED)},
    {LEASE, R},
    {TELL, E(REFUNDED), IS(CANCELLED)},
    {END}};
/* The same where no worker has had it since: it may have gone there all the same. */
static const struct line captured_after_all[] = {
    PLACED_NOW,
    {LEASE, C, 1},
    {WAIT, 0, 1},
    {CANCEL, 0, IS(CAPTURING)},
    {TELL, E(NO_SUCH_PAYMENT), IS(CAPTURING), .status = STATUS_LEASE_LOST, .of = C},
    {NO_LEASE, V},
    {TELL, E(CAPTURED), IS(REFUND_PENDING), .status = STATUS_LEASE_LOST, DOES(APPLIED)},
    {LEASE, R},
    {TELL, E(REFUNDED), IS(CANCELLED)},
    {END}};
/* Lost on the way twice: the same answer is news when the provider was asked anew, and only then. */
static const struct line lost_twice[] = {
    PLACED_NOW,
    {LEASE, C},
    {TELL, E(UNKNOWN), IS(CAPTURE_UNKNOWN), .of = C},
    {LEASE, Q},
    {TELL, E(NO_SUCH_PAYMENT), IS(CAPTURING), DOES(APPLIED), .of = Q, .is_nameless = true},
    {AGAIN, IS(CAPTURING), DOES(SEEN)},
    {LEASE, C},
    {AGAIN, IS(CAPTURING), DOES(SEEN)},
    {TELL, E(UNKNOWN), IS(CAPTURE_UNKNOWN), .of = C},
    {LEASE, Q},
    {TELL, E(NO_SUCH_PAYMENT), IS(CAPTURING), DOES(APPLIED), .of = Q, .is_nameless = true},
    {LEASE, C},
    {TELL, E(CAPTURED), IS(PAID)},
    {AGAIN, IS(PAID), DOES(SEEN)},
    {END}};
/* A proof is one: nothing is left to be asked for. */
static const struct line cancelled_and_failed[] = {PLACED_NOW,
                                                   {LEASE, C},
                                                   {CANCEL, 0, IS(CAPTURING)},
                                                   {TELL, E(CAPTURE_FAILED), IS(VOID_PENDING)},
                                                   {NO_LEASE, C},
                                                   {LEASE, V},
                                                   {TELL, E(VOIDED), IS(CANCELLED)},
                                                   {END}};
/* What has failed for sure is not brought again by an answer that is older. */
static const struct line failed_and_not_known[] = {
    PLACED_NOW,
    {LEASE, C},
    {TELL, E(CAPTURE_FAILED), IS(CAPTURING)},
    {TELL, E(NO_SUCH_PAYMENT), IS(CAPTURING), DOES(STALE), .of = C, .status = STATUS_LEASE_LOST},
    {LEASE, C},
    {TELL, E(CAPTURE_FAILED), IS(NEEDS_OPERATOR)},
    {TELL, E(NO_SUCH_PAYMENT), DOES(STALE), .of = C, .status = STATUS_LEASE_LOST},
    {TELL, E(CAPTURE_FAILED), DOES(STALE), .status = STATUS_LEASE_LOST},
    {NO_LEASE, C, IS(NEEDS_OPERATOR)},
    {RESOLVE, RESOLVE_RETRY, IS(CAPTURING)},
    {LEASE, C},
    {TELL, E(CAPTURED), IS(PAID)},
    {END}};
/* The answer to a question about the first attempt says nothing about the second one. */
static const struct line answered_late[] = {
    PLACED_NOW,
    {LEASE, C},
    {TELL, E(UNKNOWN), .of = C, IS(CAPTURE_UNKNOWN)},
    {LEASE, Q},
    {TELL, E(CAPTURE_FAILED), IS(CAPTURING)}, /* the question is not needed any more */
    {LEASE, C},
    {TELL, E(UNKNOWN), .of = C, IS(CAPTURE_UNKNOWN)}, /* and another one is */
    {TELL, E(CAPTURE_FAILED), .of = Q, DOES(STALE), .status = STATUS_LEASE_LOST},
    {TELL, E(CAPTURED), IS(PAID), DOES(APPLIED)},
    {END}};
/* Webhooks that know only the payment (the key of its authorisation, or nothing): what is told again is
 * not taken for the next capture's. */
static const struct line told_again[] = {PLACED_ON_SHIP,
                                         {SHIP, 1, IS(CAPTURING)},
                                         {LEASE, C},
                                         {TELL, E(CAPTURED), 333, IS(PLACED), .of = A},
                                         {SHIP, 0, IS(CAPTURING)},
                                         {LEASE, C},
                                         {AGAIN, IS(CAPTURING), DOES(SEEN)},
                                         {TELL, E(CAPTURED), IS(SHIPPED)},
                                         {END}};
/* And a failure has to say what has failed, where there is more than one attempt that it may be. */
static const struct line which_failed[] = {PLACED_ON_SHIP,
                                           {SHIP, 1, IS(CAPTURING)},
                                           {LEASE, C},
                                           {HOOK, E(CAPTURE_FAILED), IS(CAPTURING), DOES(APPLIED)},
                                           {LEASE, C},
                                           {HOOK, E(CAPTURE_FAILED), IS(CAPTURING), DOES(STALE)},
                                           {NO_LEASE, C},
                                           {TELL, E(CAPTURED), IS(PLACED)},
                                           {SHIP, 0, IS(CAPTURING)},
                                           {LEASE, C},
                                           {HOOK, E(CAPTURE_FAILED), IS(CAPTURING), DOES(STALE)},
                                           {NO_LEASE, C},
                                           {TELL, E(CAPTURED), IS(SHIPPED)},
                                           {END}};
/* Charged once more while a void is under way: it is not over before that is. */
static const struct line overcharged_voiding[] = {
    PLACED_ON_SHIP,
    {CAPTURE, 0, 100},
    {LEASE, C},
    {TELL, E(CAPTURED), IS(PLACED)},
    {CANCEL, 0, IS(REFUND_PENDING)},
    {LEASE, R},
    {TELL, E(REFUNDED), IS(VOID_PENDING)},
    {TELL, E(CAPTURED), IS(VOID_PENDING), DOES(FLAGGED)},
    {LEASE, R},
    {LEASE, V},
    {TELL, E(VOIDED), IS(CANCELLED)},
    {TELL, E(REFUNDED), IS(CANCELLED), DOES(APPLIED)},
    {END}};
static const struct line query_dead[] = {PLACED_NOW,
                                         {LEASE, C},
                                         {ACK, C},
                                         {WAIT, 0, 2 * MINUTE, IS(CAPTURE_UNKNOWN)},
                                         {LEASE, Q},
                                         {NACK, Q, 1},
                                         {WAIT, 0, 1},
                                         {LEASE, Q},
                                         {NACK, Q, 1, IS(NEEDS_OPERATOR)},
                                         {NO_LEASE, Q},
                                         {RESOLVE, RESOLVE_FORCE_PAID, IS(PAID)},
                                         {TELL, E(CAPTURED), IS(PAID), DOES(APPLIED)},
                                         {END}};
static const struct line capture_dead[] = {
    PLACED_NOW,
    {LEASE, C, 1},
    {WAIT, 0, 1},
    {LEASE, C, 1},
    {WAIT, 0, 1, IS(NEEDS_OPERATOR)},
    {TELL, E(CAPTURED), .status = STATUS_LEASE_LOST, IS(PAID), DOES(APPLIED)},
    {END}};
static const struct line unknown_with_parts[] = {PLACED_ON_SHIP,
                                                 {SHIP, 1, IS(CAPTURING)},
                                                 {LEASE, C},
                                                 {ACK, C},
                                                 {WAIT, 0, 2 * MINUTE, IS(CAPTURE_UNKNOWN)},
                                                 {TELL, E(CAPTURED), IS(PLACED)},
                                                 {SHIP, 0, IS(CAPTURING)},
                                                 {LEASE, C},
                                                 {ACK, C},
                                                 {WAIT, 0, 2 * MINUTE, IS(CAPTURE_UNKNOWN)},
                                                 {TELL, E(CAPTURED), IS(SHIPPED)},
                                                 {DELIVER, 1, IS(SHIPPED)},
                                                 {DELIVER, 2, IS(DELIVERED)},
                                                 {END}};
static const struct line unknown_and_delivered[] = {PLACED_ON_SHIP,
                                                    {SHIP, 0, IS(CAPTURING)},
                                                    {LEASE, C},
                                                    {ACK, C},
                                                    {WAIT, 0, 2 * MINUTE, IS(CAPTURE_UNKNOWN)},
                                                    {DELIVER, 1, IS(CAPTURE_UNKNOWN)},
                                                    {TELL, E(CAPTURED), IS(DELIVERED)},
                                                    {END}};
static const struct line captured_parts[] = {PLACED_ON_SHIP,
                                             {SHIP, 1, IS(CAPTURING)},
                                             {LEASE, C},
                                             {TELL, E(CAPTURED), IS(PLACED)},
                                             {SHIP, 0, IS(CAPTURING)},
                                             {LEASE, C},
                                             {TELL, E(CAPTURED), IS(SHIPPED)},
                                             {DELIVER, 1},
                                             {DELIVER, 2, IS(DELIVERED)},
                                             {END}};
static const struct line captured_late[] = {PLACED_ON_SHIP,
                                            {SHIP, 0, IS(CAPTURING)},
                                            {LEASE, C},
                                            {DELIVER, 1, IS(CAPTURING)},
                                            {TELL, E(CAPTURED), IS(DELIVERED)},
                                            {END}};
static const struct line captured_by_hand[] = {
    PLACED_ON_SHIP,
    {CAPTURE, 0, ALL + 1, .status = STATUS_EXCEEDS_AUTHORIZED, IS(PLACED)},
    {CAPTURE, 0, ALL, IS(CAPTURING)},
    {CAPTURE, 0, ALL, IS(CAPTURING)},
    {LEASE, C},
    {TELL, E(CAPTURED), IS(PAID)},
    {SHIP, 0, IS(SHIPPED)},
    {DELIVER, 1, IS(DELIVERED)},
    {END}};
static const struct line shipped_free[] = {PLACED_ON_SHIP,
                                           {REFUND, 0, 1, .status = STATUS_EXCEEDS_CAPTURED},
                                           {CAPTURE, 0, 100, IS(CAPTURING)},
                                           {LEASE, C},
                                           {TELL, E(CAPTURED), IS(PLACED)},
                                           {END}};

/* ---- cancels, refunds, voids ---- */

static const struct line cancelled_uncaptured[] = {
    PLACED_ON_SHIP, {CANCEL, 0, IS(VOID_PENDING)},
    {LEASE, V},     {TELL, E(VOID_FAILED), IS(VOID_PENDING)},
    {LEASE, V},     {TELL, E(VOIDED), IS(CANCELLED)},
    {END}};
static const struct line cancelled_unseen[] = {/* the capture is taken back */
                                               PLACED_NOW,
                                               {CANCEL, 0, IS(VOID_PENDING)},
                                               {NO_LEASE, C},
                                               {LEASE, V},
                                               {TELL, E(VOIDED), IS(CANCELLED)},
                                               {END}};
static const struct line cancelled_part_unseen[] = {PLACED_NOW,
                                                    {CANCEL, 1, IS(CAPTURING)},
                                                    {LEASE, C},
                                                    {TELL, E(CAPTURED), ALL - 333, IS(PAID)},
                                                    {END}};
static const struct line cancelled_card[] = {
    {BUY, IS(PAID)}, {CANCEL, 0, IS(CANCELLED)}, {NO_LEASE, R}, {END}};
static const struct line cancelled_card_unpaid[] = {
    {BUY, 1, IS(PLACED)}, {CANCEL, 0, IS(CANCELLED)}, {END}};
static const struct line cancelled_paid[] = {PAID_NOW,
                                             {CANCEL, 0, IS(REFUND_PENDING)},
                                             {LEASE, R},
                                             {TELL, E(REFUND_FAILED), IS(REFUND_PENDING)},
                                             {LEASE, R},
                                             {TELL, E(REFUNDED), IS(CANCELLED)},
                                             {AGAIN, DOES(SEEN), IS(CANCELLED)},
                                             {END}};
static const struct line refunded_paid[] = {PAID_NOW,
                                            {REFUND, 0, ALL + 1, .status = STATUS_EXCEEDS_CAPTURED},
                                            {REFUND, 0, 99, IS(REFUND_PENDING)},
                                            {REFUND, 0, 99, IS(REFUND_PENDING)},
                                            {LEASE, R},
                                            {TELL, E(REFUNDED), IS(PAID)},
                                            {REFUND, 0, 99, IS(PAID)},
                                            {END}};
static const struct line refunded_shipped[] = {PAID_NOW,
                                               {SHIP, 0, IS(SHIPPED)},
                                               {REFUND, 0, 99, IS(REFUND_PENDING)},
                                               {LEASE, R},
                                               {TELL, E(REFUNDED), IS(SHIPPED)},
                                               {DELIVER, 1, IS(DELIVERED)},
                                               {REFUND, 0, 100, IS(REFUND_PENDING)},
                                               {LEASE, R},
                                               {TELL, E(REFUNDED), IS(DELIVERED)},
                                               {END}};
static const struct line refunded_part[] = {PLACED_ON_SHIP,
                                            {SHIP, 1, IS(CAPTURING)},
                                            {LEASE, C},
                                            {TELL, E(CAPTURED), IS(PLACED)},
                                            {REFUND, 0, 33, IS(REFUND_PENDING)},
                                            {LEASE, R},
                                            {TELL, E(REFUNDED), IS(PLACED)},
                                            {SHIP, 0, IS(CAPTURING)},
                                            {LEASE, C},
                                            {TELL, E(CAPTURED), IS(SHIPPED)},
                                            {END}};
static const struct line refund_dead[] = {PAID_NOW,
                                          {REFUND, 0, 99, IS(REFUND_PENDING)},
                                          {LEASE, R},
                                          {TELL, E(REFUND_FAILED), IS(REFUND_PENDING)},
                                          {LEASE, R},
                                          {TELL, E(REFUND_FAILED), IS(NEEDS_OPERATOR)},
                                          {RESOLVE, RESOLVE_RETRY, IS(REFUND_PENDING)},
                                          {LEASE, R},
                                          {TELL, E(REFUNDED), IS(PAID)},
                                          {END}};
static const struct line void_dead[] = {
    PLACED_ON_SHIP,
    {CANCEL, 0, IS(VOID_PENDING)},
    {LEASE, V},
    {TELL, E(VOID_FAILED), IS(VOID_PENDING)},
    {LEASE, V},
    {TELL, E(VOID_FAILED), IS(NEEDS_OPERATOR)},
    {RESOLVE, RESOLVE_FORCE_PAID, .status = STATUS_INVALID_STATE, IS(NEEDS_OPERATOR)},
    {RESOLVE, RESOLVE_RETRY, IS(VOID_PENDING)},
    {LEASE, V},
    {TELL, E(VOIDED), IS(CANCELLED)},
    {END}};
static const struct line void_given_up[] = {{BUY},
                                            {LEASE, A},
                                            {GIVE_UP, IS(VOID_PENDING)},
                                            {LEASE, V},
                                            {TELL, E(VOID_FAILED)},
                                            {LEASE, V},
                                            {TELL, E(VOID_FAILED), IS(NEEDS_OPERATOR)},
                                            {RESOLVE, RESOLVE_CANCEL, IS(CANCELLED)},
                                            {NO_LEASE, V},
                                            {END}};

/* ---- operators ---- */

static const struct line expired[] = {PLACED_ON_SHIP,
                                      {HOOK, E(AUTH_EXPIRED), IS(NEEDS_OPERATOR)},
                                      {RESOLVE, RESOLVE_RETRY, IS(PLACED)},
                                      {HOOK, E(AUTH_EXPIRED), IS(NEEDS_OPERATOR)},
                                      {RESOLVE, RESOLVE_FORCE_PAID, IS(PAID)},
                                      {SHIP, 0, IS(SHIPPED)},
                                      {END}};
static const struct line forced_shipped[] = {PLACED_ON_SHIP,
                                             {SHIP, 0, IS(CAPTURING)},
                                             {LEASE, C},
                                             {TELL, E(CAPTURE_FAILED)},
                                             {LEASE, C},
                                             {TELL, E(CAPTURE_FAILED), IS(NEEDS_OPERATOR)},
                                             {RESOLVE, RESOLVE_FORCE_PAID, IS(SHIPPED)},
                                             {END}};
static const struct line forced_delivered[] = {PLACED_ON_SHIP,
                                               {SHIP, 0, IS(CAPTURING)},
                                               {LEASE, C},
                                               {TELL, E(CAPTURE_FAILED)},
                                               {LEASE, C},
                                               {TELL, E(CAPTURE_FAILED), IS(NEEDS_OPERATOR)},
                                               {DELIVER, 1, IS(NEEDS_OPERATOR)},
                                               {RESOLVE, RESOLVE_FORCE_PAID, IS(DELIVERED)},
                                               {END}};
static const struct line abandoned[] = {
    PLACED_NOW,
    {LEASE, C},
    {TELL, E(CAPTURE_FAILED)},
    {LEASE, C},
    {TELL, E(CAPTURE_FAILED), IS(NEEDS_OPERATOR)},
    {RESOLVE, RESOLVE_CANCEL, IS(CANCELLED)},
    {NO_LEASE, V},
    {RESOLVE, RESOLVE_CANCEL, .status = STATUS_ORDER_CANCELLED, IS(CANCELLED)},
    {END}};
static const struct line resolved_early[] = {
    {BUY},
    {RESOLVE, RESOLVE_RETRY, .status = STATUS_INVALID_STATE, IS(AUTHORIZING)},
    {RESOLVE, RESOLVE_FORCE_PAID, .status = STATUS_INVALID_STATE, IS(AUTHORIZING)},
    {RESOLVE, RESOLVE_CANCEL, IS(CANCELLED), BUT(GIVEN_UP)},
    {END}};

/* ---- found by the town ---- */

/* The refund is done first; the void may still fail, and must not do so unseen. */
static const struct line refund_before_void[] = {PLACED_ON_SHIP,
                                                 {CAPTURE, 0, 100, IS(CAPTURING)},
                                                 {LEASE, C},
                                                 {TELL, E(CAPTURED), IS(PLACED)},
                                                 {CANCEL, 0, IS(REFUND_PENDING)},
                                                 {LEASE, R},
                                                 {LEASE, V},
                                                 {TELL, E(REFUNDED), IS(VOID_PENDING)},
                                                 {TELL, E(VOID_FAILED), IS(NEEDS_OPERATOR)},
                                                 {RESOLVE, RESOLVE_RETRY, IS(VOID_PENDING)},
                                                 {LEASE, V},
                                                 {TELL, E(VOIDED), IS(CANCELLED)},
                                                 {END}};
/* A capture that was with a worker is no unseen one when it is revived under its key. */
static const struct line revived[] = {PLACED_NOW,
                                      {LEASE, C, 1},
                                      {CANCEL, 1, IS(CAPTURING)},
                                      {WAIT, 0, 1},
                                      {LEASE, C, 1},
                                      {WAIT, 0, 1, IS(NEEDS_OPERATOR)},
                                      {CANCEL, 2, .status = STATUS_INVALID_STATE},
                                      {RESOLVE, RESOLVE_RETRY, IS(CAPTURING)},
                                      {LEASE, C},
                                      {TELL, E(CAPTURED), ALL, IS(REFUND_PENDING), DOES(APPLIED)},
                                      {LEASE, R},
                                      {TELL, E(REFUNDED), 333, IS(PAID), DOES(APPLIED)},
                                      {END}};
/* Not paid, although all was captured: some of it is on its way back. */
static const struct line captured_while_refunding[] = {PLACED_ON_SHIP,
                                                       {CAPTURE, 0, 1000, IS(CAPTURING)},
                                                       {LEASE, C},
                                                       {TELL, E(CAPTURED), IS(PLACED)},
                                                       {REFUND, 0, 500, IS(REFUND_PENDING)},
                                                       {CAPTURE, 0, 1050, IS(CAPTURING)},
                                                       {LEASE, C},
                                                       {TELL, E(CAPTURED), IS(REFUND_PENDING)},
                                                       {LEASE, R},
                                                       {TELL, E(REFUNDED), IS(PLACED)},
                                                       {END}};
/* The gift card is enough now: spent when the capture is taken back, and the rest released. */
static const struct line card_is_enough[] = {
    PLACED_NOW,    {LEASE, C}, {TELL, E(CAPTURE_FAILED), IS(CAPTURING)}, {CANCEL, 2, IS(PAID)},
    {NO_LEASE, C}, {END}};
static const struct line capture_not_wanted[] = {
    PLACED_NOW,    {LEASE, C}, {CANCEL, 2, IS(CAPTURING)}, {TELL, E(CAPTURE_FAILED), IS(PAID)},
    {NO_LEASE, C}, {END}};

/* A command that nobody waits for dies: an operator is asked. */
static const struct line dead_at_rest[] = {
    PLACED_ON_SHIP,
    {CAPTURE, 0, 600, IS(CAPTURING)},
    {LEASE, C},
    {TELL, E(CAPTURED), IS(PLACED)},
    {REFUND, 0, 600, IS(REFUND_PENDING)},
    {LEASE, R},
    {TELL, E(REFUNDED), IS(PLACED)},
    {CANCEL, 2, IS(PAID)}, /* the rest of the authorisation is voided */
    {LEASE, V},
    {TELL, E(VOID_FAILED), IS(NEEDS_OPERATOR)},
    {RESOLVE, RESOLVE_RETRY, IS(PAID)},
    {SHIP, 0, IS(SHIPPED)},
    {LEASE, V},
    {TELL, E(VOID_FAILED), IS(NEEDS_OPERATOR)},
    {RESOLVE, RESOLVE_RETRY, IS(SHIPPED)},
    {DELIVER, 1, IS(DELIVERED)},
    {LEASE, V},
    {TELL, E(VOID_FAILED), IS(NEEDS_OPERATOR)},
    {RESOLVE, RESOLVE_RETRY, IS(DELIVERED)},
    {LEASE, V},
    {TELL, E(VOIDED), IS(DELIVERED)},
    {END}};
static const struct line dead_when_cancelled[] = {PAID_NOW,
                                                  {CANCEL, 0, IS(REFUND_PENDING)},
                                                  {LEASE, R},
                                                  {TELL, E(REFUNDED), IS(CANCELLED)},
                                                  {HOOK, E(CAPTURED), 70, IS(CANCELLED)},
                                                  {LEASE, R},
                                                  {TELL, E(REFUND_FAILED), IS(NEEDS_OPERATOR)},
                                                  {RESOLVE, RESOLVE_RETRY, IS(REFUND_PENDING)},
                                                  {LEASE, R},
                                                  {TELL, E(REFUNDED), 70, IS(CANCELLED)},
                                                  {END}};
static const struct line dead_when_over[] = {/* never placed */
                                             {BUY},
                                             {LEASE, A},
                                             {TELL, E(DECLINED), IS(CANCELLED)},
                                             {HOOK, E(CAPTURED), 70, IS(CANCELLED)},
                                             {LEASE, R},
                                             {TELL, E(REFUND_FAILED), IS(NEEDS_OPERATOR)},
                                             {RESOLVE, RESOLVE_RETRY, IS(CANCELLED)},
                                             {LEASE, R},
                                             {TELL, E(REFUND_FAILED), IS(NEEDS_OPERATOR)},
                                             {RESOLVE, RESOLVE_CANCEL, IS(CANCELLED)},
                                             {NO_LEASE, R},
                                             {END}};
/* It dies while the order is on its way down: asked for when it is there. */
static const struct line dead_before_over[] = {{BUY},
                                               {LEASE, A},
                                               {HOOK, E(CAPTURED), 70, IS(AUTHORIZING)},
                                               {LEASE, R},
                                               {TELL, E(REFUND_FAILED), IS(AUTHORIZING)},
                                               {TELL, E(DECLINED), IS(NEEDS_OPERATOR)},
                                               {RESOLVE, RESOLVE_CANCEL, IS(CANCELLED)},
                                               {END}};
/* What has expired was not needed any more. */
static const struct line expired_in_vain[] = {PLACED_ON_SHIP,
                                              {CAPTURE, 0, ALL - 333, IS(CAPTURING)},
                                              {LEASE, C},
                                              {TELL, E(CAPTURED), IS(PLACED)},
                                              {CANCEL, 1, IS(PAID)},
                                              {HOOK, E(AUTH_EXPIRED), IS(PAID), DOES(APPLIED)},
                                              {END}};

/* ---- more than was asked for ---- */

static const struct line captured_twice[] = {PAID_NOW,
                                             {TELL, E(CAPTURED), IS(REFUND_PENDING), DOES(FLAGGED)},
                                             {AGAIN, DOES(SEEN), IS(REFUND_PENDING)},
                                             {LEASE, R},
                                             {TELL, E(REFUNDED), IS(PAID)},
                                             {END}};
static const struct line captured_too_much[] = {
    PLACED_NOW,
    {LEASE, C},
    {TELL, E(CAPTURED), ALL + 50, IS(REFUND_PENDING), DOES(FLAGGED)},
    {LEASE, R},
    {TELL, E(REFUNDED), 50, IS(PAID), DOES(APPLIED)},
    {END}};
static const struct line captured_too_little[] = {
    PLACED_NOW,
    {LEASE, C},
    {TELL, E(CAPTURED), 99, IS(CAPTURING), DOES(FLAGGED)},
    {LEASE, C},
    {TELL, E(CAPTURED), ALL - 99, IS(PAID), DOES(APPLIED)},
    {END}};
static const struct line captured_unasked[] = {/* of an order that is over */
                                               {BUY},
                                               {LEASE, A},
                                               {TELL, E(DECLINED), IS(CANCELLED)},
                                               {HOOK, E(CAPTURED), 70, IS(CANCELLED),
                                                DOES(FLAGGED)},
                                               {LEASE, R},
                                               {TELL, E(REFUNDED), 70, IS(CANCELLED)},
                                               {END}};
static const struct line refunded_unasked[] = {
    PAID_NOW, {HOOK, E(REFUNDED), 70, IS(PAID), DOES(FLAGGED)}, {NO_LEASE, R}, {END}};
static const struct line charged_back[] = {PAID_NOW,
                                           {HOOK, E(CHARGED_BACK), 70, IS(PAID), DOES(APPLIED)},
                                           {AGAIN, DOES(SEEN)},
                                           {NO_LEASE, R},
                                           {END}};

static const struct script scripts[] = {
    {"refund before void", refund_before_void, 100, 100, .attempts_max = 1},
    {"revived", revived, ALL, 333, .deliveries_max = 2},
    {"captured while refunding", captured_while_refunding, 1050, 500},
    {"card is enough", card_is_enough, ALL - 666, .card = 500},
    {"capture not wanted", capture_not_wanted, ALL - 666, .card = 500},
    {"dead at rest", dead_at_rest, 600, 600, .attempts_max = 1},
    {"dead when cancelled", dead_when_cancelled, ALL, ALL, .attempts_max = 1},
    {"dead when over", dead_when_over, .attempts_max = 1},
    {"dead before it is over", dead_before_over, .attempts_max = 1},
    {"expired in vain", expired_in_vain, ALL - 333},
    {"captured twice", captured_twice, ALL},
    {"captured too much", captured_too_much, ALL},
    {"captured too little", captured_too_little, ALL},
    {"captured unasked", captured_unasked},
    {"refunded unasked", refunded_unasked, ALL},
    {"charged back", charged_back, ALL},
    {"paid", paid, ALL},
    {"paid by gift card", paid_by_card, ALL, .card = ALL},
    {"paid by gift card and outside", paid, ALL, .card = 500},
    {"declined", declined},
    {"action", action, ALL},
    {"action declined", action_declined},
    {"action given up", action_given_up},
    {"action unpaid", action_unpaid},
    {"unknown, authorised", unknown_authorized, ALL},
    {"unknown, declined", unknown_declined},
    {"never seen", never_seen},
    {"unknown, given up", unknown_given_up},
    {"given up unseen", given_up_unseen},
    {"given up seen", given_up_seen},
    {"given up while holding", given_up_holding, .is_spread = true},
    {"authorised too little", too_little},
    {"out of stock", out_of_stock},
    {"capture fails", capture_fails, ALL},
    {"capture fails for good", capture_fails_for_good, ALL, .attempts_max = 2},
    {"capture unknown", capture_unknown, ALL},
    {"capture not done", capture_not_done, ALL},
    {"captured after the question", captured_after_the_question, ALL, ALL},
    {"captured after all", captured_after_all, ALL, ALL},
    {"lost twice", lost_twice, ALL, 0},
    {"cancelled, and the capture failed", cancelled_and_failed},
    {"failed, and not known", failed_and_not_known, ALL, .attempts_max = 2},
    {"answered late", answered_late, ALL},
    {"told again", told_again, ALL},
    {"which failed", which_failed, ALL},
    {"charged again while voiding", overcharged_voiding, 100, 100},
    {"query dead", query_dead, ALL, .deliveries_max = 2},
    {"capture dead", capture_dead, ALL, .deliveries_max = 2},
    {"unknown with parts", unknown_with_parts, ALL},
    {"unknown and delivered", unknown_and_delivered, ALL},
    {"captured in parts", captured_parts, ALL},
    {"captured late", captured_late, ALL},
    {"captured by hand", captured_by_hand, ALL},
    {"captured in part by hand", shipped_free, 100},
    {"cancelled uncaptured", cancelled_uncaptured},
    {"cancelled before a worker saw it", cancelled_unseen},
    {"cancelled in part before a worker saw it", cancelled_part_unseen, ALL - 333},
    {"cancelled, paid by gift card", cancelled_card, ALL, ALL, .card = ALL},
    {"cancelled, gift card not spent", cancelled_card_unpaid, .card = ALL},
    {"cancelled when paid", cancelled_paid, ALL, ALL},
    {"refunded when paid", refunded_paid, ALL, 99},
    {"refunded when shipped", refunded_shipped, ALL, 100},
    {"refunded in part", refunded_part, ALL, 33},
    {"refund dead", refund_dead, ALL, 99, .attempts_max = 2},
    {"void dead", void_dead, .attempts_max = 2},
    {"void given up", void_given_up, .attempts_max = 2},
    {"authorisation expired", expired},
    {"forced when shipped", forced_shipped, .attempts_max = 2},
    {"forced when delivered", forced_delivered, .attempts_max = 2},
    {"abandoned", abandoned, .attempts_max = 2},
    {"resolved early", resolved_early},
};

static struct run run;

static void every_script_ends_as_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++)
        run_script(&run, &scripts[i]);
}

/* What no script here goes along: rounds of holding (test_order_holding.c), late payments
 * (test_order_late.c), and what the town alone has patience for. */
static bool is_elsewhere(u16 line)
{
    static const u8 elsewhere[] = {SAGA_LINE_HOLDING_REFUSED,     SAGA_LINE_HOLDING_MISPRICED,
                                   SAGA_LINE_HOLDING_RETAKEN,     SAGA_LINE_HOLDING_RETAKE_REFUSED,
                                   SAGA_LINE_VOID_PENDING_LATE,   SAGA_LINE_CANCELLED_LATE,
                                   SAGA_LINE_AUTH_UNKNOWN_UNPAID, SAGA_LINE_PLACED_SHIPPED_ALL};
    for (size_t i = 0; i < ARRAY_COUNT(elsewhere); i++)
        if (elsewhere[i] == line)
            return true;
    return false;
}

static void every_line_of_the_saga_was_taken(void **state)
{
    (void)state;
    u32 missing = 0;
    for (u16 line = 1; line < SAGA_LINE_COUNT; line++) {
        const struct saga_transition *way = saga_transition_at(line - 1u);
        if (run.taken[line] != 0 || is_elsewhere(line))
            continue;
        print_message("not taken: %s by %s\n", saga_state_name(way->from), way->event);
        missing++;
    }
    assert_int_equal(missing, 0);
}

/* NEW and CONFIRMING are left in the step that enters them. */
static void orders_of_every_state_come_back_from_a_dump(void **state)
{
    (void)state;
    for (u16 i = 1; i < SAGA_STATE_COUNT; i++)
        if ((run.thawed[i] == 0) != (i == SAGA_STATE_NEW || i == SAGA_STATE_CONFIRMING))
            fail_msg("%s: %u times", saga_state_name(i), run.thawed[i]);
}

static void what_the_table_does_not_have_is_a_bug(void **state)
{
    (void)state;
    struct of of;
    of_open(&of, 1);
    (void)of_buy(&of, (struct of_want){.lines = 1, .units = {1}});
    struct shard *shard = of.town->shards[0].shard;
    const struct order_turn turn = order_turn_begin(shard, 1, of.town->now_ns);
    assert_false(order_may(turn.order, SAGA_EVENT_SHIPPED_ALL));
    expect_assert_failure(order_go(&turn, SAGA_EVENT_SHIPPED_ALL));
    town_close(of.town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_ends_as_it_says),
        cmocka_unit_test(every_line_of_the_saga_was_taken),
        cmocka_unit_test(orders_of_every_state_come_back_from_a_dump),
        cmocka_unit_test(what_the_table_does_not_have_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
