-- postgres: the checkout saga as tables and stored procedures of PostgreSQL 15.
--
-- What the benchmark compares Souk's checkout with: the same steps, each its own transaction, each
-- durable when it is answered.
--
--      checkout         order, lines, stock of every line held or nothing, command AUTHORIZE
--      poll_commands    leases commands of the outbox to a worker
--      payment_event    AUTHORIZED: ledger, holds become allocations, order PLACED, command CAPTURE
--      poll_commands
--      payment_event    CAPTURED: ledger, order PAID
--
-- Written to be fast: one statement per step, whose parts hand rows to each other, takes a tenth to a
-- fifth less time than one statement per table, each of which starts an executor; an outbox without
-- an index of due times, so that a lease stays on its page, takes 5 % less. What a store would also
-- have and this has not, in PostgreSQL's favour: constraints and foreign keys (what they would
-- refuse, verify() finds after the run), an index of orders by user, addresses, tenders, expiry.
--
-- Stock rows are locked in the order of their ids, so that baskets cannot deadlock: what joins them is
-- sorted by SKU, and the server's settings (postgres_server.c) leave only nested loops, which keep
-- that order.
--
-- States of an order: 1 AUTHORIZING, 2 PLACED, 3 PAID. Steps of a payment, which are also the commands:
-- 1 AUTHORIZE, 2 CAPTURE. States of a hold: 1 HELD, 2 ALLOCATED.
--
-- SPDX-License-Identifier: Apache-2.0

CREATE TABLE sku (
    id        bigint PRIMARY KEY,
    price     bigint NOT NULL,
    on_hand   bigint NOT NULL,
    held      bigint NOT NULL DEFAULT 0,
    allocated bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE orders (
    id         bigint PRIMARY KEY,
    user_id    bigint NOT NULL,
    state      smallint NOT NULL,
    total      bigint NOT NULL,
    created_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE order_line (
    order_id bigint NOT NULL,
    sku_id   bigint NOT NULL,
    quantity bigint NOT NULL,
    price    bigint NOT NULL,
    PRIMARY KEY (order_id, sku_id)
);

CREATE TABLE hold (
    order_id bigint NOT NULL,
    sku_id   bigint NOT NULL,
    quantity bigint NOT NULL,
    state    smallint NOT NULL,
    PRIMARY KEY (order_id, sku_id)
) WITH (fillfactor = 50);

CREATE TABLE payment (
    order_id  bigint NOT NULL,
    step      smallint NOT NULL,
    amount    bigint NOT NULL,
    reference text NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (order_id, step)
);

-- What the world has been asked to do and has not answered: few rows. A command whose lease has ended
-- is due again.
CREATE TABLE outbox (
    order_id bigint PRIMARY KEY,
    step     smallint NOT NULL,
    attempt  integer NOT NULL,
    amount   bigint NOT NULL,
    due_at   timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE history (
    order_id bigint NOT NULL,
    state    smallint NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (order_id, state)
);

-- The state of the order. The same id again answers the order as it is. SK001: a line is not
-- sellable, SK002: the total is not what the shopper saw; then nothing has happened.
CREATE FUNCTION checkout(p_order bigint, p_user bigint, p_skus bigint[], p_quantities bigint[],
                         p_total bigint) RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    v_granted bigint;
    v_total   numeric;
    v_state   smallint;
BEGIN
    INSERT INTO orders VALUES (p_order, p_user, 1, p_total, now()) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT state INTO v_state FROM orders WHERE id = p_order;
        RETURN v_state;
    END IF;
    WITH granted AS (
        UPDATE sku SET held = held + line.quantity
        FROM (SELECT * FROM unnest(p_skus, p_quantities) AS l (sku_id, quantity) ORDER BY 1) line
        WHERE sku.id = line.sku_id AND on_hand - held - allocated >= line.quantity
        RETURNING sku.id, line.quantity, sku.price
    ), lines AS (
        INSERT INTO order_line SELECT p_order, id, quantity, price FROM granted
    ), holds AS (
        INSERT INTO hold SELECT p_order, id, quantity, 1 FROM granted
    ), command AS (
        INSERT INTO outbox VALUES (p_order, 1, 0, p_total, now())
    ), event AS (
        INSERT INTO history VALUES (p_order, 1, now())
    )
    SELECT count(*), sum(price * quantity) INTO v_granted, v_total FROM granted;
    IF v_granted <> cardinality(p_skus) THEN
        RAISE EXCEPTION 'out of stock' USING ERRCODE = 'SK001';
    END IF;
    IF v_total <> p_total THEN
        RAISE EXCEPTION 'price changed' USING ERRCODE = 'SK002';
    END IF;
    RETURN 1;
END $$;

-- Leases up to p_max commands that are due for 30 seconds. The key of a command is (order, step).
CREATE FUNCTION poll_commands(p_max integer)
    RETURNS TABLE (order_id bigint, step smallint, amount bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
        UPDATE outbox SET due_at = now() + interval '30 seconds', attempt = attempt + 1
        WHERE ctid = ANY (ARRAY(SELECT o.ctid FROM outbox o WHERE o.due_at <= now()
                                ORDER BY o.order_id LIMIT p_max FOR UPDATE SKIP LOCKED))
        RETURNING outbox.order_id, outbox.step, outbox.amount;
END $$;

-- The state of the order after a result of the provider. A result that comes again, or before its
-- time, changes nothing; no more is captured than was authorised.
CREATE FUNCTION payment_event(p_order bigint, p_step smallint, p_amount bigint, p_reference text)
    RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    v_state smallint;
BEGIN
    IF p_step = 1 THEN
        WITH placed AS (
            UPDATE orders SET state = 2 WHERE id = p_order AND state = 1 AND total = p_amount
            RETURNING id, state
        ), ledger AS (
            INSERT INTO payment SELECT id, 1, p_amount, p_reference, now() FROM placed
        ), confirmed AS (
            UPDATE hold SET state = 2 FROM placed
            WHERE hold.order_id = p_order AND hold.state = 1
            RETURNING hold.sku_id, hold.quantity
        ), stock AS (
            UPDATE sku SET held = held - quantity, allocated = allocated + quantity
            FROM confirmed WHERE sku.id = confirmed.sku_id
        ), command AS (
            UPDATE outbox SET step = 2, attempt = 0, due_at = now() FROM placed
            WHERE outbox.order_id = p_order
        ), event AS (
            INSERT INTO history SELECT id, 2, now() FROM placed
        )
        SELECT state INTO v_state FROM placed;
    ELSE
        WITH paid AS (
            UPDATE orders SET state = 3 FROM payment
            WHERE orders.id = p_order AND orders.state = 2 AND payment.order_id = p_order
              AND payment.step = 1 AND payment.amount >= p_amount
            RETURNING orders.id, orders.state
        ), ledger AS (
            INSERT INTO payment SELECT id, 2, p_amount, p_reference, now() FROM paid
        ), command AS (
            DELETE FROM outbox USING paid WHERE outbox.order_id = p_order
        ), event AS (
            INSERT INTO history SELECT id, 3, now() FROM paid
        )
        SELECT state INTO v_state FROM paid;
    END IF;
    IF v_state IS NULL THEN
        SELECT state INTO v_state FROM orders WHERE id = p_order;
    END IF;
    RETURN v_state;
END $$;

-- After a run: NULL, or what is wrong. p_orders: as many orders as the clients were told are PAID.
CREATE FUNCTION verify(p_orders bigint) RETURNS text LANGUAGE plpgsql
    SET enable_seqscan = on SET enable_hashjoin = on AS $$
DECLARE
    v_orders bigint;
BEGIN
    SELECT count(*) INTO v_orders FROM orders;
    IF v_orders <> p_orders THEN
        RETURN format('%s orders, but %s were answered as PAID', v_orders, p_orders);
    END IF;
    IF EXISTS (SELECT FROM orders WHERE state <> 3) THEN
        RETURN 'an order is not PAID';
    END IF;
    IF EXISTS (SELECT FROM sku WHERE on_hand - held - allocated < 0) THEN
        RETURN 'a sku is oversold';
    END IF;
    IF EXISTS (SELECT FROM sku WHERE held <> 0) OR EXISTS (SELECT FROM hold WHERE state <> 2) THEN
        RETURN 'a hold was left over';
    END IF;
    IF EXISTS (SELECT FROM outbox) THEN
        RETURN 'a command was left over';
    END IF;
    IF EXISTS (SELECT FROM sku FULL JOIN (SELECT sku_id, sum(quantity) AS quantity FROM order_line
                                          GROUP BY sku_id) sold ON sku.id = sold.sku_id
               WHERE sku.allocated IS DISTINCT FROM coalesce(sold.quantity, 0)) THEN
        RETURN 'what is allocated of a sku is not what its orders have';
    END IF;
    IF EXISTS (SELECT FROM order_line FULL JOIN hold USING (order_id, sku_id)
               WHERE order_line.quantity IS DISTINCT FROM hold.quantity) THEN
        RETURN 'the holds of an order are not its lines';
    END IF;
    IF EXISTS (SELECT FROM orders LEFT JOIN (SELECT order_id, sum(price * quantity) AS total
                                             FROM order_line GROUP BY order_id) l ON id = l.order_id
               WHERE orders.total IS DISTINCT FROM l.total) THEN
        RETURN 'the total of an order is not the sum of its lines';
    END IF;
    IF EXISTS (SELECT FROM orders LEFT JOIN (SELECT order_id, sum(amount) FILTER (WHERE step = 1) AS a,
                                                    sum(amount) FILTER (WHERE step = 2) AS c
                                             FROM payment GROUP BY order_id) p ON id = p.order_id
               WHERE orders.total IS DISTINCT FROM a OR orders.total IS DISTINCT FROM c) THEN
        RETURN 'an order was not authorised and captured exactly once';
    END IF;
    IF (SELECT count(*) FROM history) <> 3 * p_orders THEN
        RETURN 'the history of an order is not complete';
    END IF;
    RETURN NULL;
END $$;
