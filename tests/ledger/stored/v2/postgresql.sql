SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
COMMENT ON SCHEMA public IS 'standard public schema';
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.ledger_attachments (
    sha256 character varying(64) NOT NULL,
    parquet bytea NOT NULL
);
CREATE TABLE public.ledger_campaigns (
    uid character varying(64) NOT NULL,
    name text NOT NULL,
    created_at character varying(32) NOT NULL
);
CREATE TABLE public.ledger_claims (
    trial_uid character varying(64) NOT NULL,
    campaign_uid character varying(64) NOT NULL,
    token bigint NOT NULL,
    holder text NOT NULL,
    duration_s double precision NOT NULL,
    since character varying(32) NOT NULL,
    expires_at character varying(32) NOT NULL
);
CREATE TABLE public.ledger_counters (
    name character varying(64) NOT NULL,
    value bigint NOT NULL
);
CREATE TABLE public.ledger_events (
    seq bigint NOT NULL,
    campaign_uid character varying(64) NOT NULL,
    trial_uid character varying(64),
    kind character varying(64) NOT NULL,
    content_sha256 character varying(64) NOT NULL,
    payload text NOT NULL,
    at character varying(32) NOT NULL,
    actor text NOT NULL,
    row_sha256 character varying(64) NOT NULL
);
CREATE SEQUENCE public.ledger_events_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.ledger_events_seq_seq OWNED BY public.ledger_events.seq;
CREATE TABLE public.ledger_leases (
    campaign_uid character varying(64) NOT NULL,
    role character varying(64) NOT NULL,
    token bigint NOT NULL,
    holder text,
    since character varying(32),
    expires_at character varying(32)
);
CREATE TABLE public.ledger_meta (
    name character varying(64) NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.ledger_trials (
    uid character varying(64) NOT NULL,
    campaign_uid character varying(64) NOT NULL,
    number integer NOT NULL,
    label character varying(32) NOT NULL,
    design_key character varying(64) NOT NULL,
    design text NOT NULL,
    as_built text,
    state character varying(16) NOT NULL,
    round integer NOT NULL,
    reason text NOT NULL,
    provenance text NOT NULL,
    result text,
    failure text,
    is_excluded boolean NOT NULL,
    decision_reason text NOT NULL,
    cycling_sha256 character varying(64),
    proposed_at character varying(32) NOT NULL,
    ended_at character varying(32),
    last_seq bigint NOT NULL,
    n_revisions integer NOT NULL,
    attempts integer NOT NULL,
    restores_to character varying(16)
);
ALTER TABLE ONLY public.ledger_events ALTER COLUMN seq SET DEFAULT nextval('public.ledger_events_seq_seq'::regclass);
INSERT INTO public.ledger_attachments VALUES ('9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd', '\x50415231150015ec03159e022c153c1500150615061c000000f6011c020000003c0101000901010e0101000301051000000004000901000509070400060d0800070d0800080d0800090d08000a0d08000b0d08000c0d08000d0d08000e0d08000f0d0800100d0800110d0800120d0800130d0800140d0800150d0800160d0800170d0800180d0800190d08001a0d08001b0d08001c0d083c1d000000000000001e00000000000000150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec0315be032c153c1500150615061c000000f60118020000003c01000501f05b0840ec51b81e85eb0740d7a3703d0ad70740c3f5285c8fc20740ae47e17a14ae07409a9999999999074085eb51b81e850740713d0ad7a37007405c8fc2f5285c074048e17a14ae47074033333333333307401f85eb51b81e07400ad70151080740f6014f08f50640014e1447e10640cdcc01010c0640b81e0129080640a4017708a30640054f2c8f06407b14ae47e17a06406605010c064052b801290406400577283d0640295c8fc2f528064005270814064005c70400060dc800050dc8440540c2f5285c8fc20540ae47e17a14ae0540150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150015ec03153a2c153c1500150615061c000000f60118020000003c0100050104f87f0507fe0800fe0800fe08008a0800150419ec35001806736368656d61151a001504250218056379636c6500150a250218176368617267655f63617061636974795f6d61685f636d3200150a2502181a6469736368617267655f63617061636974795f6d61685f636d3200150a250218156c69336e5f63617061636974795f6d61685f636d3200150a25021818636f756c6f6d6269635f656666696369656e63795f70637400150a250218156d65616e5f6368617267655f766f6c746167655f7600150a250218186d65616e5f6469736368617267655f766f6c746167655f7600150a25021818617265616c5f726573697374616e63655f6f686d5f636d3200150a2502181070726573737572655f6d696e5f6d706100150a2502181070726573737572655f6d61785f6d706100150a25021810636f6e746163745f6672616374696f6e00150a25021813706c617465645f746869636b6e6573735f756d00150a2502180e73686f72745f70726f677265737300163c191c19dc26001c1504192506001918056379636c651502163c16960416c8022608491c150015001502003c29061926003c00000026001c150a192506001918176368617267655f63617061636974795f6d61685f636d321502163c169404166226d002491c150015001502003c29061926003c00000026001c150a1925060019181a6469736368617267655f63617061636974795f6d61685f636d321502163c16960416e80326b203491c150015001502003c29061926003c00000026001c150a192506001918156c69336e5f63617061636974795f6d61685f636d321502163c1694041662269a07491c150015001502003c29061926003c00000026001c150a19250600191818636f756c6f6d6269635f656666696369656e63795f7063741502163c169404166226fc07491c150015001502003c29061926003c00000026001c150a192506001918156d65616e5f6368617267655f766f6c746167655f761502163c169404166226de08491c150015001502003c29061926003c00000026001c150a192506001918186d65616e5f6469736368617267655f766f6c746167655f761502163c169404166226c009491c150015001502003c29061926003c00000026001c150a19250600191818617265616c5f726573697374616e63655f6f686d5f636d321502163c169404166226a20a491c150015001502003c29061926003c00000026001c150a1925060019181070726573737572655f6d696e5f6d70611502163c169404166226840b491c150015001502003c29061926003c00000026001c150a1925060019181070726573737572655f6d61785f6d70611502163c169404166226e60b491c150015001502003c29061926003c00000026001c150a19250600191810636f6e746163745f6672616374696f6e1502163c169404166226c80c491c150015001502003c29061926003c00000026001c150a19250600191813706c617465645f746869636b6e6573735f756d1502163c169404166226aa0d491c150015001502003c29061926003c00000026001c150a1925060019180e73686f72745f70726f67726573731502163c1694041662268c0e491c150015001502003c29061926003c000000168836163c260816e60e002820706172717565742d6370702d6172726f772076657273696f6e2032352e302e3119dc1c00001c00001c00001c00001c00001c00001c00001c00001c00001c00001c00001c00001c000000eb04000050415231');
INSERT INTO public.ledger_campaigns VALUES ('b8399ce187804f61a0cddfe5e41d910b', 'stored Ü', '2026-03-01T12:01:00.000000+00:00');
INSERT INTO public.ledger_claims VALUES ('42254fc5fa0b45b5b523d2f952dd36c9', 'b8399ce187804f61a0cddfe5e41d910b', 17, '{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}', 0, '2026-11-22T16:48:25.888218+00:00', '2026-11-22T16:48:25.888218+00:00');
INSERT INTO public.ledger_counters VALUES ('trial_serial', 18);
INSERT INTO public.ledger_events VALUES (1, 'b8399ce187804f61a0cddfe5e41d910b', NULL, 'campaign_registered', '4eddd449cf72d301207b5d29a2cc33bc1d664cb59ba817e17f7ae590fd46ecfe', '{"config_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","definition":{"name":"stored \u00dc","objectives":{"y":{}},"seed":7,"space":{"x":{"high":99,"low":0}}},"name":"stored \u00dc"}', '2026-03-01T12:01:00.000000+00:00', '', '588b706b3e62bdc32c7644479d3529ebd37e40b78943fe28ff30caecff79df02');
INSERT INTO public.ledger_events VALUES (2, 'b8399ce187804f61a0cddfe5e41d910b', '634e2ed4cc6c4c5e8988393c9647fc4b', 'proposed', '4f777f5d64c084b1d5b93bf58d0e10ef5450fdf983f212695c1ea8a80cd61506', '{"design":{"seed_alloy":"Ag-ZnO","x":0.0},"is_replicate":false,"label":"T0001-F","number":1,"provenance":{"seed":0},"reason":"guess 0 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'bdaf7febdf5e9904890801511a6e01d4965b93e7fbf75df409d6f00bdee1a3d3');
INSERT INTO public.ledger_events VALUES (3, 'b8399ce187804f61a0cddfe5e41d910b', '42254fc5fa0b45b5b523d2f952dd36c9', 'proposed', '0ce6bfeb7a3eeccc341bdb7026f1850c637393397ea1507c3c40154c507b9eb5', '{"design":{"seed_alloy":"Ag-ZnO","x":1.0},"is_replicate":false,"label":"T0002-L","number":2,"provenance":{"seed":1},"reason":"guess 1 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '15be9e1aa7d3606a4cba1f69346ff8201429e1b1de685b45382efec992b68609');
INSERT INTO public.ledger_events VALUES (4, 'b8399ce187804f61a0cddfe5e41d910b', 'b3e23497bd134fbf877df1182eca95bf', 'proposed', 'fe2483353ea76c18b59b1e2734238721bb399754d0a61b1bc82b9c5d2be8433e', '{"design":{"seed_alloy":"Ag-ZnO","x":2.0},"is_replicate":false,"label":"T0003-S","number":3,"provenance":{"seed":2},"reason":"guess 2 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'b8b8ec2ee753aea268b99f7697ebcb661002d59be2ec29609f06c532ddb19ced');
INSERT INTO public.ledger_events VALUES (5, 'b8399ce187804f61a0cddfe5e41d910b', 'aa237761d5c74502889806836b5f41ef', 'proposed', '4a477b0b28d89e9c782509be324da043b49dff33911cc44286f4d6d540c0a253', '{"design":{"seed_alloy":"Ag-ZnO","x":3.0},"is_replicate":false,"label":"T0004-X","number":4,"provenance":{"seed":3},"reason":"guess 3 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '3cb89869d9d385bc23ce134c09c3fe91c5a929975182d93f65ab659e52d736d8');
INSERT INTO public.ledger_events VALUES (6, 'b8399ce187804f61a0cddfe5e41d910b', '6d1b8ba33f304d38abe9552917172917', 'proposed', '41fd5d355538e060f9db07aa778a1430b4707273c1d28ac2948e9f72ed2b6161', '{"design":{"seed_alloy":"Ag-ZnO","x":4.0},"is_replicate":false,"label":"T0005-C","number":5,"provenance":{"seed":4},"reason":"guess 4 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'd9fe7b518541d8f83a3dbb4a7db337c8b1ea4d1f380cf7a7201e494ce478b181');
INSERT INTO public.ledger_events VALUES (7, 'b8399ce187804f61a0cddfe5e41d910b', '60b9c40e011e40b19a9b68edf4471c50', 'proposed', '579e5013cb6fe56f58493c86e717f6a1b68693d1dceb7a6c813150ac8cc989bb', '{"design":{"seed_alloy":"Ag-ZnO","x":5.0},"is_replicate":false,"label":"T0006-H","number":6,"provenance":{"seed":5},"reason":"guess 5 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'd5713cfbdec74de215fb6d1c7d67a9e7b720439fb923c902c0bb7bec6e5ee9da');
INSERT INTO public.ledger_events VALUES (8, 'b8399ce187804f61a0cddfe5e41d910b', '88923986e1b34389af1474277cff2548', 'proposed', 'a6da032fb35d9ea64459915da1a98c3586e523646b630113a254490587620f50', '{"design":{"seed_alloy":"Ag-ZnO","x":6.0},"is_replicate":false,"label":"T0007-N","number":7,"provenance":{"seed":6},"reason":"guess 6 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'e93279c0a0613d9780adbca90ae873bf5ce44c45cc650980a95eca047f470015');
INSERT INTO public.ledger_events VALUES (9, 'b8399ce187804f61a0cddfe5e41d910b', '870c19a61a674ba3b734ce57caa15170', 'proposed', '826fee488b74bf0a9604c79120aa7c87ce56fe335babd2a69216f0cc2047628a', '{"design":{"seed_alloy":"Ag-ZnO","x":7.0},"is_replicate":false,"label":"T0008-U","number":8,"provenance":{"seed":7},"reason":"guess 7 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'c5a1c29ef579572c410e49bb317aeb06d70a17f36914bf2e2465a831d151d181');
INSERT INTO public.ledger_events VALUES (10, 'b8399ce187804f61a0cddfe5e41d910b', '7477cfe2cc3a4f018cdbf4354c5da00c', 'proposed', '97a12c60672b05b79b3ed4c491fd503343cec23d315914bfbcb1e9081fde33cf', '{"design":{"seed_alloy":"Ag-ZnO","x":8.0},"is_replicate":false,"label":"T0009-Z","number":9,"provenance":{"seed":8},"reason":"guess 8 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '913399cc597a1681a608ce5cdc32f7d0a3394aaefc28daade71759c7c7f64e94');
INSERT INTO public.ledger_events VALUES (11, 'b8399ce187804f61a0cddfe5e41d910b', 'ed9bb6e48af64b4380e3f7da5ec7be33', 'proposed', '32294d373afbe75b3fa0ec4fa0cdca6b08af577db5edd0fd17a4e24ea259ba07', '{"design":{"seed_alloy":"Ag-ZnO","x":9.0},"is_replicate":false,"label":"T0010-C","number":10,"provenance":{"seed":9},"reason":"guess 9 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'ad2031f348dd0a4b3c398ae2a39d245206a7293ad2e51b9ac224b539a4fdeaf3');
INSERT INTO public.ledger_events VALUES (12, 'b8399ce187804f61a0cddfe5e41d910b', '7de12b76d3264086bd402ec1dae3d5e6', 'proposed', '9cc8c4b0366ec5afdc0b9424bc0cbbb911de4c10e559750b51278bea3b34cf58', '{"design":{"seed_alloy":"Ag-ZnO","x":10.0},"is_replicate":false,"label":"T0011-H","number":11,"provenance":{"seed":10},"reason":"guess 10 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '2594dc56c7ee17232a755d9170231123c233756749b08b850155ab097f576c67');
INSERT INTO public.ledger_events VALUES (13, 'b8399ce187804f61a0cddfe5e41d910b', '5eba386612014b4abdd7bf00fcfad6e4', 'proposed', '44442fe3986949ff11290bb383e656541ce5dea7c9c668c22af1f53496241ade', '{"design":{"seed_alloy":"Ag-ZnO","x":11.0},"is_replicate":false,"label":"T0012-N","number":12,"provenance":{"seed":11},"reason":"guess 11 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '663efdfbbc4799d556c66918da00f06f4d18f4bd0cd45800beda0aa24a98525a');
INSERT INTO public.ledger_events VALUES (14, 'b8399ce187804f61a0cddfe5e41d910b', '2173da476a16466a8b36894ae601f0e2', 'proposed', 'a586a634a95856fb2917fa522aed461b778d9dad5da285db5920b2e7e0712b10', '{"design":{"seed_alloy":"Ag-ZnO","x":12.0},"is_replicate":false,"label":"T0013-U","number":13,"provenance":{"seed":12},"reason":"guess 12 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '549afcc0fe8b790ce858f5cd664e2f5065e5d55ecb31dc67d3c6e045b8be61b5');
INSERT INTO public.ledger_events VALUES (15, 'b8399ce187804f61a0cddfe5e41d910b', '8cc31f999e2540b686c5792a41cc3cf5', 'proposed', '9293e5e206bafc6c3f8f976086203255bca145902ab2574f67213250437a7585', '{"design":{"seed_alloy":"Ag-ZnO","x":13.0},"is_replicate":false,"label":"T0014-Z","number":14,"provenance":{"seed":13},"reason":"guess 13 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '122f9b7d8b6490d644624a69eb7a6a4a775fee81054df88725b0cb4a55427335');
INSERT INTO public.ledger_events VALUES (16, 'b8399ce187804f61a0cddfe5e41d910b', '6d21ea315b2f4e999aa32274c6bcb2b8', 'proposed', '64afae4a4f0711d56de17836ae9ce4bf31592caf7ce5fe7efeb4bf84b24692ee', '{"design":{"seed_alloy":"Ag-ZnO","x":4.0},"is_replicate":true,"label":"T0015-E","number":15,"provenance":{},"reason":"again on purpose","round":4,"variables":["seed_alloy","x"]}', '2026-03-01T12:04:00.000000+00:00', '', '2ebf0a58f38c8e886a9960037302e08997287d6b38d0a989c3d60db747e579a0');
INSERT INTO public.ledger_events VALUES (17, 'b8399ce187804f61a0cddfe5e41d910b', '42254fc5fa0b45b5b523d2f952dd36c9', 'claimed', '5eb6f896f585ae0722f898bcf5eaf6b1c3634b36a3d48b0574209c334a3201e8', '{"attempt":1,"holder":{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}}', '2026-03-01T12:05:00.000000+00:00', '', '72709da50814ad42450065e0daa9c3e677e846a8749005d31dcae21d73968458');
INSERT INTO public.ledger_events VALUES (18, 'b8399ce187804f61a0cddfe5e41d910b', 'b3e23497bd134fbf877df1182eca95bf', 'in_test', '72e3437b05d970ba14888d109f7d41866663b98929a3871f3f39f83af3f6e306', '{"reason":"built"}', '2026-03-01T12:06:00.000000+00:00', 'Ada', 'b39cd1d8879c904ca9ce5fdd37556fc997bb4288cd5a344bed6cdc0aeeed507c');
INSERT INTO public.ledger_events VALUES (19, 'b8399ce187804f61a0cddfe5e41d910b', 'aa237761d5c74502889806836b5f41ef', 'result', '1e1a2940c8566edb491600bd26d42955c3f28ca592604955adf5f8c463fff297', '{"as_built":null,"attributes":{},"censored":["y"],"cycling_sha256":"9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd","is_correction":false,"is_final":false,"outcomes":{"y":3.0},"sem":{},"source":"lab"}', '2026-03-01T12:07:00.000000+00:00', 'Ada', 'a7d9af6999b70b46f9bcaa243125a68ba34f0633d70a12df0603a2c0f0d7c41b');
INSERT INTO public.ledger_events VALUES (20, 'b8399ce187804f61a0cddfe5e41d910b', '6d1b8ba33f304d38abe9552917172917', 'claimed', '80f92681d2b77a65bb955ac6dc00f6e4abb90daae9e9c65ea9ebcd210fde1792', '{"attempt":1,"holder":{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}}', '2026-03-01T12:08:00.000000+00:00', '', '8f25d2fe3727d73e3a9be5289405152a2e14549c73db41cfedeedbd091442c22');
INSERT INTO public.ledger_events VALUES (21, 'b8399ce187804f61a0cddfe5e41d910b', '6d1b8ba33f304d38abe9552917172917', 'result', 'bd6f783356763987c368d7c208cf9dd474626871be3a7b4991f3d848164c76e5', '{"as_built":{"seed_alloy":"Ag","x":4.125},"attributes":{"file":"\u00dc.csv","n":3},"censored":["z"],"cycling_sha256":"9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd","is_correction":false,"is_final":true,"outcomes":{"y":0.1,"z":-1e-300},"sem":{"y":0.01},"source":"simulation"}', '2026-03-01T12:09:00.000000+00:00', '', '934c39e285d503722e7e834239c65d03c54f23f3fab430857c633f233ac5d062');
INSERT INTO public.ledger_events VALUES (22, 'b8399ce187804f61a0cddfe5e41d910b', '60b9c40e011e40b19a9b68edf4471c50', 'result', 'd04b7178753c5dc12ac5dec6e34f79e4430953a918c8012f38b4b12da78ff1d1', '{"as_built":null,"attributes":{"file":"\u00dc.csv","n":3},"censored":["z"],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":0.1,"z":-1e-300},"sem":{"y":0.01},"source":"simulation"}', '2026-03-01T12:10:00.000000+00:00', '', 'e7249c8e096ca292c5dbe3a0607d633c25454243fcc98f196d415dd35d72f7bf');
INSERT INTO public.ledger_events VALUES (23, 'b8399ce187804f61a0cddfe5e41d910b', '60b9c40e011e40b19a9b68edf4471c50', 'result', '0145745b3c939b50a08269fb5436fe782a88626df262bb9988e827f375058a72', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":true,"is_final":true,"outcomes":{"y":0.2},"sem":{},"source":"python"}', '2026-03-01T12:11:00.000000+00:00', 'Bo', '13033932d0a63fee7d4997bb20fd3192a51ea428bf0fa845bfee2e2ac554244c');
INSERT INTO public.ledger_events VALUES (24, 'b8399ce187804f61a0cddfe5e41d910b', '88923986e1b34389af1474277cff2548', 'result', '825e5372c667015054c2689c6981c8ba28c6987e4665188aa605d53a18637d94', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":7.0},"sem":{},"source":"python"}', '2026-03-01T12:12:00.000000+00:00', '', '9a02404f2e4b18c0f09464d5df7e6f3e15b1443c24bce801715283f4aace41bb');
INSERT INTO public.ledger_events VALUES (25, 'b8399ce187804f61a0cddfe5e41d910b', '88923986e1b34389af1474277cff2548', 'result', 'ac17dac169716f32b79e24600b3f2784cc5f6297e653a8acbd8d198a01ad43ab', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"areal_resistance_ohm_cm2":31.0},"sem":{},"source":"python"}', '2026-03-01T12:13:00.000000+00:00', '', 'c200330da15899532119f01563a9b015148a4c1989ee39d554cb20db530fb8d7');
INSERT INTO public.ledger_events VALUES (26, 'b8399ce187804f61a0cddfe5e41d910b', '88923986e1b34389af1474277cff2548', 'excluded', '912a29a45ebafddfb73cb09501ecb35ff560bb52de3120924de81ef0843b0c55', '{"reason":"outlier"}', '2026-03-01T12:14:00.000000+00:00', 'Ada', '69a49161ad55eb7d9484172710fef1d129587c502f230e2e57d93a73585e23ae');
INSERT INTO public.ledger_events VALUES (27, 'b8399ce187804f61a0cddfe5e41d910b', '870c19a61a674ba3b734ce57caa15170', 'failure', '19c566f1db9ba17613525fed560e569f2a6e106d451e5bbedfaab5ed7e9c744a', '{"attempt":0,"kind":"cell","reason":"short circuit in cycle 1"}', '2026-03-01T12:15:00.000000+00:00', '', '373be0282883c3c590e474475fa5e34649e75cc7edac92b75ae880dcaaf8a286');
INSERT INTO public.ledger_events VALUES (28, 'b8399ce187804f61a0cddfe5e41d910b', '7477cfe2cc3a4f018cdbf4354c5da00c', 'failure', '126dae750e03086ddde1cef4c251da1df3cc1d15ff253e1f2ed16d8d3b0bf185', '{"attempt":0,"kind":"equipment","reason":"cycler lost power"}', '2026-03-01T12:16:00.000000+00:00', '', '57ec449eab08ace46db1a1e06faaa26b7067937fe7aa9c57caff8ff45b11c227');
INSERT INTO public.ledger_events VALUES (29, 'b8399ce187804f61a0cddfe5e41d910b', 'ed9bb6e48af64b4380e3f7da5ec7be33', 'abandoned', '5d1fbf7914019c52ba485a2008aaf56313939464e8ea5d79fc5ec3402fb1db74', '{"reason":"no lithium"}', '2026-03-01T12:17:00.000000+00:00', 'Ada', 'f5d8f15552c7e9b28e9c9665035796004280a94c22456ed6a8df54660f21b400');
INSERT INTO public.ledger_events VALUES (30, 'b8399ce187804f61a0cddfe5e41d910b', '7de12b76d3264086bd402ec1dae3d5e6', 'result', '2dad104fc80c581d919150ea95b2526f9463caff40328b2b6ba18de5639b1f20', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":5.0},"sem":{},"source":"python"}', '2026-03-01T12:18:00.000000+00:00', '', 'ab77491be7bee9b2f6cefae9d1ba40c2619e3df066515a85ad6a5b0ea3e8a23b');
INSERT INTO public.ledger_events VALUES (31, 'b8399ce187804f61a0cddfe5e41d910b', '7de12b76d3264086bd402ec1dae3d5e6', 'voided', 'ac1c13da12d754ce234d190faf8c3c776c648ca5ab5e129eb259630cf57e1f88', '{"reason":"wrong foil"}', '2026-03-01T12:19:00.000000+00:00', 'Ada', '095b32358f50a6b8660c6bc74c5383fcee9b29a1a226e2e90cf06abb247b857f');
INSERT INTO public.ledger_events VALUES (32, 'b8399ce187804f61a0cddfe5e41d910b', '5eba386612014b4abdd7bf00fcfad6e4', 'result', '1f37b19295743b598c65c98b28308162af6ad34a752295ac59bbf9b1ad2c2ff0', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":1.0},"sem":{},"source":"python"}', '2026-03-01T12:20:00.000000+00:00', '', '5ecbe3503b87edcb60a2534aa16b8c6a4c4aa8bea674f7fd663d332ff3694a9a');
INSERT INTO public.ledger_events VALUES (33, 'b8399ce187804f61a0cddfe5e41d910b', '5eba386612014b4abdd7bf00fcfad6e4', 'result', '0c1e0c2e3553a113d556447343057a017ea6f2f43389831b0cfa11cabd8093bd', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":2.0},"sem":{},"source":"python"}', '2026-03-01T12:21:00.000000+00:00', 'Bo', 'ff7236f180ba0b288dd10782996638fce866090950edef198dc5869995c2d760');
INSERT INTO public.ledger_events VALUES (34, 'b8399ce187804f61a0cddfe5e41d910b', '2173da476a16466a8b36894ae601f0e2', 'result', '1f37b19295743b598c65c98b28308162af6ad34a752295ac59bbf9b1ad2c2ff0', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":1.0},"sem":{},"source":"python"}', '2026-03-01T12:22:00.000000+00:00', '', 'd9bc840c314996ed951edecafc807bbd693b7a2c1d5e46ed902517fdd54f5f8b');
INSERT INTO public.ledger_events VALUES (35, 'b8399ce187804f61a0cddfe5e41d910b', '2173da476a16466a8b36894ae601f0e2', 'result', '0c1e0c2e3553a113d556447343057a017ea6f2f43389831b0cfa11cabd8093bd', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":2.0},"sem":{},"source":"python"}', '2026-03-01T12:23:00.000000+00:00', 'Bo', '452b2833d68275939f25baca2f93a5ddaede7c363db3ad9993ec50f09b7ecaba');
INSERT INTO public.ledger_events VALUES (36, 'b8399ce187804f61a0cddfe5e41d910b', '2173da476a16466a8b36894ae601f0e2', 'settled', '41583a06ef19280bfce36be96592c6cc21e83d608f7261dedef261269ec31e9c', '{"keep":35,"kept":{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":2.0},"sem":{},"source":"python"},"reason":"the second cycler is right"}', '2026-03-01T12:24:00.000000+00:00', 'Ada', '27bb25d3e9f2258088bfa4082af5b245f015f03d26ee8e1d233b79bc42d76948');
INSERT INTO public.ledger_events VALUES (37, 'b8399ce187804f61a0cddfe5e41d910b', '8cc31f999e2540b686c5792a41cc3cf5', 'claimed', 'ca26da33178d1f8355628e408a6424597f795510f9e2fb7c4dde8a75063b4628', '{"attempt":1,"holder":{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}}', '2026-03-01T12:25:00.000000+00:00', '', 'beffbf845b624de7e6b9b850c2864cac27eea66291e60de9d8f3ffe33650bb95');
INSERT INTO public.ledger_events VALUES (38, 'b8399ce187804f61a0cddfe5e41d910b', '8cc31f999e2540b686c5792a41cc3cf5', 'failure', '659aa37b17063e6e26df50a73c392092753489da39492071ac04d302eebc9b85', '{"attempt":1,"kind":"equipment","reason":"channel 7"}', '2026-03-01T12:26:00.000000+00:00', '', '2de508082e7e2542953cdfa51db08c77b1a6d14ab2dbfd51ec026ac59e9786d2');
INSERT INTO public.ledger_events VALUES (39, 'b8399ce187804f61a0cddfe5e41d910b', '8cc31f999e2540b686c5792a41cc3cf5', 'restored', '91ab9a6525ec92c1452bf2feacfd1a353476173a3178639d4f48bef06876a87b', '{"reason":"tried again"}', '2026-03-01T12:27:00.000000+00:00', 'afssb', '69c697236a1bb148551170883c4afb6cad454ff624a3f0ada70c6675b5cfbd1b');
INSERT INTO public.ledger_events VALUES (40, 'b8399ce187804f61a0cddfe5e41d910b', '85afef2935db445bb9a8e66b7b238b0f', 'proposed', '57004bb766466fd816344d8cea5805e20bb240295448c3f2505fb51d17c0ae8a', '{"design":{"seed_alloy":"none","x":40.0},"is_draft":true,"is_replicate":false,"label":"T0016-K","number":16,"provenance":{},"reason":"asked","round":5,"variables":["seed_alloy","x"]}', '2026-03-01T12:28:00.000000+00:00', '', '249b44dd77e2620a621efce401f2157fa616918deebfdf15d11dfb2718263c0a');
INSERT INTO public.ledger_events VALUES (41, 'b8399ce187804f61a0cddfe5e41d910b', 'e2609501e1f647a09013aa7f0a5dc526', 'proposed', 'e679be451182e64b217e956246b46f6a2f1bd9b622009791746d555d91f2ead4', '{"design":{"seed_alloy":"none","x":41.0},"is_draft":true,"is_replicate":false,"label":"T0017-R","number":17,"provenance":{},"reason":"asked","round":5,"variables":["seed_alloy","x"]}', '2026-03-01T12:28:00.000000+00:00', '', 'f79e84f7365f17d3e5cb3bcee4e7bd2abfdfd29578df0fb48ae98d8119ace037');
INSERT INTO public.ledger_events VALUES (42, 'b8399ce187804f61a0cddfe5e41d910b', '735c7848fb9541bf87a1b6d10fa07862', 'proposed', '918d79ea8c11eed26754afcf8beb148e806993813a02156ecc2bf8263bb2efbb', '{"design":{"seed_alloy":"none","x":42.0},"is_draft":true,"is_replicate":false,"label":"T0018-W","number":18,"provenance":{},"reason":"asked","round":5,"variables":["seed_alloy","x"]}', '2026-03-01T12:28:00.000000+00:00', '', 'a62016e9b29e928dcda4d27d4c0955d59633512a85f5e594ff632dcbc24e0efd');
INSERT INTO public.ledger_events VALUES (43, 'b8399ce187804f61a0cddfe5e41d910b', 'e2609501e1f647a09013aa7f0a5dc526', 'approved', 'd14347f83a879aacd7004ca68809c2f3e0e8735d81cf91610f903f6dcf7debd5', '{"reason":"good idea"}', '2026-03-01T12:29:00.000000+00:00', 'Ada', 'cecdec4a37d842e930fa4ad752f84899433c6a9c9901b7a06dc8b4c2bb0a80ec');
INSERT INTO public.ledger_events VALUES (44, 'b8399ce187804f61a0cddfe5e41d910b', '735c7848fb9541bf87a1b6d10fa07862', 'abandoned', '5f852a15a75216a5ec17f3d650fb602a2974c9cf5cef80a14eef94d55a451ba8', '{"reason":"too thin"}', '2026-03-01T12:30:00.000000+00:00', 'Ada', 'aa1676d0af608426e779bcba6460baaeb71a2f6c01fa4b62df19da1ebbc06f66');
INSERT INTO public.ledger_events VALUES (45, 'b8399ce187804f61a0cddfe5e41d910b', NULL, 'lab_held', '9edca3bc8ffaf3a9aaa96fa1b4c3e5d117fb0f5a118349dabcf1999fc309c7d2', '{"key":"0a","name":"Zelle 4.csv"}', '2026-03-01T12:31:00.000000+00:00', 'Ada', 'b6124fd45de67f86a5ad280a48f6cade28d32dbcd6a90c008903d65cd5ed24d5');
INSERT INTO public.ledger_events VALUES (46, 'b8399ce187804f61a0cddfe5e41d910b', NULL, 'campaign_amended', 'c720c7a5ca565a11c760537a5e9020b57750547cd230473a71c6cc616b030d2d', '{"changes":["seed: 7 -> 8"],"config_sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","definition":{"name":"stored \u00dc","objectives":{"y":{}},"seed":8,"space":{"x":{"high":99,"low":0}}}}', '2026-03-01T12:32:00.000000+00:00', '', '2582c72825f4227384f1e22db2f734df17604a25b0a33e92db0e41fa79deb576');
INSERT INTO public.ledger_meta VALUES ('schema_version', '2');
INSERT INTO public.ledger_trials VALUES ('634e2ed4cc6c4c5e8988393c9647fc4b', 'b8399ce187804f61a0cddfe5e41d910b', 1, 'T0001-F', '69e8688e676e01b51e108a42f6663e4a1acec645bf19272b66facf5f766b4a75', '{"seed_alloy": "Ag-ZnO", "x": 0.0}', NULL, 'proposed', 1, 'guess 0 – µm', '{"seed":0}', NULL, NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 2, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('42254fc5fa0b45b5b523d2f952dd36c9', 'b8399ce187804f61a0cddfe5e41d910b', 2, 'T0002-L', '72fcf864e0752d64c2aae17dacbefd553b85624dbfe4471da5422be2a5e100fe', '{"seed_alloy": "Ag-ZnO", "x": 1.0}', NULL, 'claimed', 1, 'guess 1 – µm', '{"seed":1}', NULL, NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 17, 0, 1, NULL);
INSERT INTO public.ledger_trials VALUES ('b3e23497bd134fbf877df1182eca95bf', 'b8399ce187804f61a0cddfe5e41d910b', 3, 'T0003-S', 'da62fcbc957b65e5838d6a7c1cfb02b18fcde237aca9aed6871ebbad43ef6e12', '{"seed_alloy": "Ag-ZnO", "x": 2.0}', NULL, 'in_test', 1, 'guess 2 – µm', '{"seed":2}', NULL, NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 18, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('aa237761d5c74502889806836b5f41ef', 'b8399ce187804f61a0cddfe5e41d910b', 4, 'T0004-X', '025bfd876b0b2ab9c16f940e1f25adbd88847f15d7d7fa52baf0d4075cd4bcd5', '{"seed_alloy": "Ag-ZnO", "x": 3.0}', NULL, 'partial', 1, 'guess 3 – µm', '{"seed":3}', '{"attributes":{},"censored":["y"],"outcomes":{"y":3.0},"sem":{},"source":"lab"}', NULL, false, '', '9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd', '2026-03-01T12:03:00.000000+00:00', NULL, 19, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('6d1b8ba33f304d38abe9552917172917', 'b8399ce187804f61a0cddfe5e41d910b', 5, 'T0005-C', '543411259fa5f07cb63a5dd9d1662f025d17ed276273f6bad9a2d781769febf7', '{"seed_alloy": "Ag-ZnO", "x": 4.0}', '{"seed_alloy":"Ag","x":4.125}', 'completed', 1, 'guess 4 – µm', '{"seed":4}', '{"attributes":{"file":"\u00dc.csv","n":3},"censored":["z"],"outcomes":{"y":0.1,"z":-1e-300},"sem":{"y":0.01},"source":"simulation"}', NULL, false, '', '9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd', '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:09:00.000000+00:00', 21, 0, 1, NULL);
INSERT INTO public.ledger_trials VALUES ('60b9c40e011e40b19a9b68edf4471c50', 'b8399ce187804f61a0cddfe5e41d910b', 6, 'T0006-H', 'de9315cb1badcc8821929a41092555279a0327ad2feefef334bd5bb96e8b9e48', '{"seed_alloy": "Ag-ZnO", "x": 5.0}', NULL, 'completed', 1, 'guess 5 – µm', '{"seed":5}', '{"attributes":{},"censored":[],"outcomes":{"y":0.2},"sem":{},"source":"python"}', NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:10:00.000000+00:00', 23, 1, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('88923986e1b34389af1474277cff2548', 'b8399ce187804f61a0cddfe5e41d910b', 7, 'T0007-N', '5e92b8ae61697caa218392ba3ea3be556928cf10f6d67699e91c0794d759ecbd', '{"seed_alloy": "Ag-ZnO", "x": 6.0}', NULL, 'completed', 1, 'guess 6 – µm', '{"seed":6}', '{"attributes":{},"censored":[],"outcomes":{"areal_resistance_ohm_cm2":31.0,"y":7.0},"sem":{},"source":"python"}', NULL, true, 'outlier', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:12:00.000000+00:00', 26, 1, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('870c19a61a674ba3b734ce57caa15170', 'b8399ce187804f61a0cddfe5e41d910b', 8, 'T0008-U', '1563a0a3da1899db0980061d807f4453faaca0df0dfa43c1b8983d84fb37228a', '{"seed_alloy": "Ag-ZnO", "x": 7.0}', NULL, 'failed', 1, 'guess 7 – µm', '{"seed":7}', NULL, '{"kind":"cell","reason":"short circuit in cycle 1"}', false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:15:00.000000+00:00', 27, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('7477cfe2cc3a4f018cdbf4354c5da00c', 'b8399ce187804f61a0cddfe5e41d910b', 9, 'T0009-Z', '1f399a0e13c88be885e037718b6b012283c890b3f3d43874c94fdfedf03059fe', '{"seed_alloy": "Ag-ZnO", "x": 8.0}', NULL, 'failed', 1, 'guess 8 – µm', '{"seed":8}', NULL, '{"kind":"equipment","reason":"cycler lost power"}', false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:16:00.000000+00:00', 28, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('ed9bb6e48af64b4380e3f7da5ec7be33', 'b8399ce187804f61a0cddfe5e41d910b', 10, 'T0010-C', '09adda63766db4cfc230b7e7be70353189c01a19f993bafe9f72cea807868991', '{"seed_alloy": "Ag-ZnO", "x": 9.0}', NULL, 'abandoned', 1, 'guess 9 – µm', '{"seed":9}', NULL, NULL, false, 'no lithium', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:17:00.000000+00:00', 29, 0, 0, 'proposed');
INSERT INTO public.ledger_trials VALUES ('7de12b76d3264086bd402ec1dae3d5e6', 'b8399ce187804f61a0cddfe5e41d910b', 11, 'T0011-H', 'c36de42410d7bb061c5e7c18b206b58944e6a86f17700cbbcdc3afb21677b717', '{"seed_alloy": "Ag-ZnO", "x": 10.0}', NULL, 'void', 1, 'guess 10 – µm', '{"seed":10}', '{"attributes":{},"censored":[],"outcomes":{"y":5.0},"sem":{},"source":"python"}', NULL, false, 'wrong foil', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:19:00.000000+00:00', 31, 0, 0, 'completed');
INSERT INTO public.ledger_trials VALUES ('5eba386612014b4abdd7bf00fcfad6e4', 'b8399ce187804f61a0cddfe5e41d910b', 12, 'T0012-N', '74095e74e1f7696e2d23be3fb96f4d7995e43740abb53fa15fa27055cf5f3642', '{"seed_alloy": "Ag-ZnO", "x": 11.0}', NULL, 'disputed', 1, 'guess 11 – µm', '{"seed":11}', '{"attributes":{},"censored":[],"outcomes":{"y":1.0},"sem":{},"source":"python"}', NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:21:00.000000+00:00', 33, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('2173da476a16466a8b36894ae601f0e2', 'b8399ce187804f61a0cddfe5e41d910b', 13, 'T0013-U', '36d0034b68d35f62336e2eaaf6bc20b266403ad29ecf2d98911f6a3efd2ac748', '{"seed_alloy": "Ag-ZnO", "x": 12.0}', NULL, 'completed', 1, 'guess 12 – µm', '{"seed":12}', '{"attributes":{},"censored":[],"outcomes":{"y":2.0},"sem":{},"source":"python"}', NULL, false, 'the second cycler is right', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:24:00.000000+00:00', 36, 1, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('8cc31f999e2540b686c5792a41cc3cf5', 'b8399ce187804f61a0cddfe5e41d910b', 14, 'T0014-Z', 'bf331dd7b25d4d795ef926ccf8eb440cd2aa2a9ca3e57b319726d978e95926a6', '{"seed_alloy": "Ag-ZnO", "x": 13.0}', NULL, 'proposed', 1, 'guess 13 – µm', '{"seed":13}', NULL, NULL, false, 'tried again', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 39, 0, 1, NULL);
INSERT INTO public.ledger_trials VALUES ('6d21ea315b2f4e999aa32274c6bcb2b8', 'b8399ce187804f61a0cddfe5e41d910b', 15, 'T0015-E', '543411259fa5f07cb63a5dd9d1662f025d17ed276273f6bad9a2d781769febf7', '{"seed_alloy": "Ag-ZnO", "x": 4.0}', NULL, 'proposed', 4, 'again on purpose', '{}', NULL, NULL, false, '', NULL, '2026-03-01T12:04:00.000000+00:00', NULL, 16, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('85afef2935db445bb9a8e66b7b238b0f', 'b8399ce187804f61a0cddfe5e41d910b', 16, 'T0016-K', 'afc23d8e2634b459d03bc2e96cb8dbac02c6b68f796b1c31b5fe3dd34b7511bd', '{"seed_alloy": "none", "x": 40.0}', NULL, 'draft', 5, 'asked', '{}', NULL, NULL, false, '', NULL, '2026-03-01T12:28:00.000000+00:00', NULL, 40, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('e2609501e1f647a09013aa7f0a5dc526', 'b8399ce187804f61a0cddfe5e41d910b', 17, 'T0017-R', '6e3ecd9f08603cbe32f799b63b69fb53969d1b682700183f12dbb77901de0384', '{"seed_alloy": "none", "x": 41.0}', NULL, 'proposed', 5, 'asked', '{}', NULL, NULL, false, 'good idea', NULL, '2026-03-01T12:28:00.000000+00:00', NULL, 43, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('735c7848fb9541bf87a1b6d10fa07862', 'b8399ce187804f61a0cddfe5e41d910b', 18, 'T0018-W', '025abd679344f952b75733dd79d865df4933ad721d8198e679297fdcf1442778', '{"seed_alloy": "none", "x": 42.0}', NULL, 'abandoned', 5, 'asked', '{}', NULL, NULL, false, 'too thin', NULL, '2026-03-01T12:28:00.000000+00:00', '2026-03-01T12:30:00.000000+00:00', 44, 0, 0, 'draft');
SELECT pg_catalog.setval('public.ledger_events_seq_seq', 46, true);
ALTER TABLE ONLY public.ledger_attachments
    ADD CONSTRAINT ledger_attachments_pkey PRIMARY KEY (sha256);
ALTER TABLE ONLY public.ledger_campaigns
    ADD CONSTRAINT ledger_campaigns_name_key UNIQUE (name);
ALTER TABLE ONLY public.ledger_campaigns
    ADD CONSTRAINT ledger_campaigns_pkey PRIMARY KEY (uid);
ALTER TABLE ONLY public.ledger_claims
    ADD CONSTRAINT ledger_claims_pkey PRIMARY KEY (trial_uid);
ALTER TABLE ONLY public.ledger_counters
    ADD CONSTRAINT ledger_counters_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.ledger_events
    ADD CONSTRAINT ledger_events_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.ledger_events
    ADD CONSTRAINT ledger_events_trial_uid_kind_content_sha256_key UNIQUE (trial_uid, kind, content_sha256);
ALTER TABLE ONLY public.ledger_leases
    ADD CONSTRAINT ledger_leases_pkey PRIMARY KEY (campaign_uid, role);
ALTER TABLE ONLY public.ledger_meta
    ADD CONSTRAINT ledger_meta_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.ledger_trials
    ADD CONSTRAINT ledger_trials_campaign_uid_number_key UNIQUE (campaign_uid, number);
ALTER TABLE ONLY public.ledger_trials
    ADD CONSTRAINT ledger_trials_label_key UNIQUE (label);
ALTER TABLE ONLY public.ledger_trials
    ADD CONSTRAINT ledger_trials_pkey PRIMARY KEY (uid);
CREATE INDEX ledger_events_by_campaign ON public.ledger_events USING btree (campaign_uid, seq);
CREATE INDEX ledger_events_of_campaigns ON public.ledger_events USING btree (campaign_uid, kind) WHERE (trial_uid IS NULL);
CREATE INDEX ledger_trials_by_design ON public.ledger_trials USING btree (campaign_uid, design_key);
ALTER TABLE ONLY public.ledger_claims
    ADD CONSTRAINT ledger_claims_campaign_uid_fkey FOREIGN KEY (campaign_uid) REFERENCES public.ledger_campaigns(uid);
ALTER TABLE ONLY public.ledger_claims
    ADD CONSTRAINT ledger_claims_trial_uid_fkey FOREIGN KEY (trial_uid) REFERENCES public.ledger_trials(uid);
ALTER TABLE ONLY public.ledger_events
    ADD CONSTRAINT ledger_events_campaign_uid_fkey FOREIGN KEY (campaign_uid) REFERENCES public.ledger_campaigns(uid);
ALTER TABLE ONLY public.ledger_leases
    ADD CONSTRAINT ledger_leases_campaign_uid_fkey FOREIGN KEY (campaign_uid) REFERENCES public.ledger_campaigns(uid);
ALTER TABLE ONLY public.ledger_trials
    ADD CONSTRAINT ledger_trials_campaign_uid_fkey FOREIGN KEY (campaign_uid) REFERENCES public.ledger_campaigns(uid);
