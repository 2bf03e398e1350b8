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
INSERT INTO public.ledger_campaigns VALUES ('0caece3155854b3e96a2cad02713411f', 'stored Ü', '2026-03-01T12:01:00.000000+00:00');
INSERT INTO public.ledger_claims VALUES ('c7a2235367b548b8831c5f5870159b4d', '0caece3155854b3e96a2cad02713411f', 17, '{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}', 0, '2026-11-22T15:47:02.182596+00:00', '2026-11-22T15:47:02.182596+00:00');
INSERT INTO public.ledger_counters VALUES ('trial_serial', 15);
INSERT INTO public.ledger_events VALUES (1, '0caece3155854b3e96a2cad02713411f', NULL, 'campaign_registered', '4eddd449cf72d301207b5d29a2cc33bc1d664cb59ba817e17f7ae590fd46ecfe', '{"config_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","definition":{"name":"stored \u00dc","objectives":{"y":{}},"seed":7,"space":{"x":{"high":99,"low":0}}},"name":"stored \u00dc"}', '2026-03-01T12:01:00.000000+00:00', '', '413ce0fc3ba5c98df51eaa35f6c90595f73d893969d7610cdb1ec7f3e2520ddd');
INSERT INTO public.ledger_events VALUES (2, '0caece3155854b3e96a2cad02713411f', 'fef7603ddf44445c8668943a5dd42546', 'proposed', '4f777f5d64c084b1d5b93bf58d0e10ef5450fdf983f212695c1ea8a80cd61506', '{"design":{"seed_alloy":"Ag-ZnO","x":0.0},"is_replicate":false,"label":"T0001-F","number":1,"provenance":{"seed":0},"reason":"guess 0 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '76d22b8467af0a885b5373e36666d6d898cb52f9bf83d89bbd222c513085360c');
INSERT INTO public.ledger_events VALUES (3, '0caece3155854b3e96a2cad02713411f', 'c7a2235367b548b8831c5f5870159b4d', 'proposed', '0ce6bfeb7a3eeccc341bdb7026f1850c637393397ea1507c3c40154c507b9eb5', '{"design":{"seed_alloy":"Ag-ZnO","x":1.0},"is_replicate":false,"label":"T0002-L","number":2,"provenance":{"seed":1},"reason":"guess 1 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '9dea05bc171d2bb18e3952083026cc25b794f12f396063711154ba54412db3fd');
INSERT INTO public.ledger_events VALUES (4, '0caece3155854b3e96a2cad02713411f', '46dde138999942f4b5ab2f3f0f4df8b5', 'proposed', 'fe2483353ea76c18b59b1e2734238721bb399754d0a61b1bc82b9c5d2be8433e', '{"design":{"seed_alloy":"Ag-ZnO","x":2.0},"is_replicate":false,"label":"T0003-S","number":3,"provenance":{"seed":2},"reason":"guess 2 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '9ea2169bf7bc6301f2795e542d16ccf49a6deaf21f98207d10ce01194712548a');
INSERT INTO public.ledger_events VALUES (5, '0caece3155854b3e96a2cad02713411f', 'f6ecbf40bf53476ea93217a626b9fa02', 'proposed', '4a477b0b28d89e9c782509be324da043b49dff33911cc44286f4d6d540c0a253', '{"design":{"seed_alloy":"Ag-ZnO","x":3.0},"is_replicate":false,"label":"T0004-X","number":4,"provenance":{"seed":3},"reason":"guess 3 \u2013 \u00b5m","round":1,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'ec2927b222d335c371ff8a64cc1449ae55fafd3dc6482de3d0eee017ce4d7404');
INSERT INTO public.ledger_events VALUES (6, '0caece3155854b3e96a2cad02713411f', 'b177c28740a44aa1b7ab3ac51d832334', 'proposed', 'ede6e871dc5be171eed42d4a7cfa2fb2558d4d277bacfdeb8e8ee21cedcff5e5', '{"design":{"seed_alloy":"Ag-ZnO","x":4.0},"is_replicate":false,"label":"T0005-C","number":5,"provenance":{"seed":4},"reason":"guess 4 \u2013 \u00b5m","round":2,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '6fdbc0287f40bf39daad4729a46320b987e57405fb69c05e046ce7e0da11c716');
INSERT INTO public.ledger_events VALUES (7, '0caece3155854b3e96a2cad02713411f', 'd5e3b76ac72146b3914fe481b88e6c93', 'proposed', '03206d6995dd99aa2d598f5d0e25ae90cf29a1c09587917f342a1cf10b859f3a', '{"design":{"seed_alloy":"Ag-ZnO","x":5.0},"is_replicate":false,"label":"T0006-H","number":6,"provenance":{"seed":5},"reason":"guess 5 \u2013 \u00b5m","round":2,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '99c415b673212729ea71995efc4339c65338f7ab62a2963aa8afd405ea0e16e8');
INSERT INTO public.ledger_events VALUES (8, '0caece3155854b3e96a2cad02713411f', 'a0aa44f95d54432fa3cbc9dd05f27eda', 'proposed', '2e84e3404184ea93377ddb0dc9972e6804f707062e5096fe9f557cecaeccd765', '{"design":{"seed_alloy":"Ag-ZnO","x":6.0},"is_replicate":false,"label":"T0007-N","number":7,"provenance":{"seed":6},"reason":"guess 6 \u2013 \u00b5m","round":2,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '35443c461ca07d44b3e5bef5749982021ab2d797d5ec8cf8b88869e81e318943');
INSERT INTO public.ledger_events VALUES (9, '0caece3155854b3e96a2cad02713411f', '12346e4b0bb2474c9ad32e40f5dbbc02', 'proposed', '5143f6a91158e375a2a425de333086fd9011b885f8621bd7a1b794cf534b97a7', '{"design":{"seed_alloy":"Ag-ZnO","x":7.0},"is_replicate":false,"label":"T0008-U","number":8,"provenance":{"seed":7},"reason":"guess 7 \u2013 \u00b5m","round":2,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '88ec793baccfb98c8850718563de57322ab789fbee46ed4f93553794bfd880e0');
INSERT INTO public.ledger_events VALUES (10, '0caece3155854b3e96a2cad02713411f', '20b80137eb3e4141b9eb45bb41592858', 'proposed', '1f6137e17112fd16dbea0b3b5fe4130f116baea40e4f45d03771f250e79a22ee', '{"design":{"seed_alloy":"Ag-ZnO","x":8.0},"is_replicate":false,"label":"T0009-Z","number":9,"provenance":{"seed":8},"reason":"guess 8 \u2013 \u00b5m","round":3,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'a42406bb77af0782f1f021177c456e73a8f9ec62174f85ed5180e9757fa2dc05');
INSERT INTO public.ledger_events VALUES (11, '0caece3155854b3e96a2cad02713411f', '076570d182af4609830d35c637e2f084', 'proposed', '65a560632731c97b31fda3dda78d489b76a7a1e4a2a70920e8d9bbc57bc636a0', '{"design":{"seed_alloy":"Ag-ZnO","x":9.0},"is_replicate":false,"label":"T0010-C","number":10,"provenance":{"seed":9},"reason":"guess 9 \u2013 \u00b5m","round":3,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '62de7494f3fd5968763ebe21d00b9820a9ede689a0b34d2735e6c1fabdac2c65');
INSERT INTO public.ledger_events VALUES (12, '0caece3155854b3e96a2cad02713411f', '87993427618f4b15bdd760df747312bc', 'proposed', '5115a3d64d3a2f5694de260b104c543a5d41c19fecdfd49dd44c3974b37935e5', '{"design":{"seed_alloy":"Ag-ZnO","x":10.0},"is_replicate":false,"label":"T0011-H","number":11,"provenance":{"seed":10},"reason":"guess 10 \u2013 \u00b5m","round":3,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '884f2adea627af80e74bfd825754125e896fc4c8579888b6f03b6eb758b51794');
INSERT INTO public.ledger_events VALUES (13, '0caece3155854b3e96a2cad02713411f', '7569e9d2b0ea4a528607c4471dc76f86', 'proposed', '480a3f35bbc11d6eb72decc91aff498f9f8d3fba43fbd80c6661e1df98a3f7d3', '{"design":{"seed_alloy":"Ag-ZnO","x":11.0},"is_replicate":false,"label":"T0012-N","number":12,"provenance":{"seed":11},"reason":"guess 11 \u2013 \u00b5m","round":3,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '62a80341d5d78a754bf807616dfe09add204d365a648de1f10e0b29ad363e684');
INSERT INTO public.ledger_events VALUES (14, '0caece3155854b3e96a2cad02713411f', '9bafa8ffdc494011af55e6df9b0366a2', 'proposed', 'b663f3e8881f3f54bc0f9edde5200a22d3aafaef25f19660060b838b3955b3d2', '{"design":{"seed_alloy":"Ag-ZnO","x":12.0},"is_replicate":false,"label":"T0013-U","number":13,"provenance":{"seed":12},"reason":"guess 12 \u2013 \u00b5m","round":4,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', 'a14497cab08c7b0f00510729467a53efcc94b4011a49fec808513bd9c6d9ddb1');
INSERT INTO public.ledger_events VALUES (15, '0caece3155854b3e96a2cad02713411f', '10fbfde55be34aaaab0a226a52bfee9c', 'proposed', '049a913887dbd23c8e30804934e12d45c86272318b1e6f57aae0a9686359bdf4', '{"design":{"seed_alloy":"Ag-ZnO","x":13.0},"is_replicate":false,"label":"T0014-Z","number":14,"provenance":{"seed":13},"reason":"guess 13 \u2013 \u00b5m","round":4,"variables":["seed_alloy","x"]}', '2026-03-01T12:03:00.000000+00:00', '', '4e217f2fde128c8e6f6e038a09008a724185e44f8e99c863e22048d95c7ac9ad');
INSERT INTO public.ledger_events VALUES (16, '0caece3155854b3e96a2cad02713411f', '742533c5976645699674613ddf3dba2b', 'proposed', '64afae4a4f0711d56de17836ae9ce4bf31592caf7ce5fe7efeb4bf84b24692ee', '{"design":{"seed_alloy":"Ag-ZnO","x":4.0},"is_replicate":true,"label":"T0015-E","number":15,"provenance":{},"reason":"again on purpose","round":4,"variables":["seed_alloy","x"]}', '2026-03-01T12:04:00.000000+00:00', '', '76a6e90f744093432c6ab044637c51ef55c3cf1a0cdfe34caee7d0cbce70b5f4');
INSERT INTO public.ledger_events VALUES (17, '0caece3155854b3e96a2cad02713411f', 'c7a2235367b548b8831c5f5870159b4d', 'claimed', '5eb6f896f585ae0722f898bcf5eaf6b1c3634b36a3d48b0574209c334a3201e8', '{"attempt":1,"holder":{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}}', '2026-03-01T12:05:00.000000+00:00', '', '06392d14b6b0513c992eee82d1fd11bc8cf13b9a786fac2a788db9a350047bba');
INSERT INTO public.ledger_events VALUES (18, '0caece3155854b3e96a2cad02713411f', '46dde138999942f4b5ab2f3f0f4df8b5', 'in_test', '72e3437b05d970ba14888d109f7d41866663b98929a3871f3f39f83af3f6e306', '{"reason":"built"}', '2026-03-01T12:06:00.000000+00:00', 'Ada', 'bf1a59cfe4f4a0defb7b1d7d171800b5801c8738cee41fd740477f08f4ca884e');
INSERT INTO public.ledger_events VALUES (19, '0caece3155854b3e96a2cad02713411f', 'f6ecbf40bf53476ea93217a626b9fa02', 'result', '1e1a2940c8566edb491600bd26d42955c3f28ca592604955adf5f8c463fff297', '{"as_built":null,"attributes":{},"censored":["y"],"cycling_sha256":"9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd","is_correction":false,"is_final":false,"outcomes":{"y":3.0},"sem":{},"source":"lab"}', '2026-03-01T12:07:00.000000+00:00', 'Ada', '6cba2d2ff89bff36514b14af73845c69a09c1852c5a7dc39ed9b552143a8895c');
INSERT INTO public.ledger_events VALUES (20, '0caece3155854b3e96a2cad02713411f', 'b177c28740a44aa1b7ab3ac51d832334', 'claimed', '80f92681d2b77a65bb955ac6dc00f6e4abb90daae9e9c65ea9ebcd210fde1792', '{"attempt":1,"holder":{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}}', '2026-03-01T12:08:00.000000+00:00', '', '1c4ecaf6b198c2e58c432c48a2175a069a75475a2af1c55d85b1b87395bb6590');
INSERT INTO public.ledger_events VALUES (21, '0caece3155854b3e96a2cad02713411f', 'b177c28740a44aa1b7ab3ac51d832334', 'result', 'bd6f783356763987c368d7c208cf9dd474626871be3a7b4991f3d848164c76e5', '{"as_built":{"seed_alloy":"Ag","x":4.125},"attributes":{"file":"\u00dc.csv","n":3},"censored":["z"],"cycling_sha256":"9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd","is_correction":false,"is_final":true,"outcomes":{"y":0.1,"z":-1e-300},"sem":{"y":0.01},"source":"simulation"}', '2026-03-01T12:09:00.000000+00:00', '', '554d7a8217391460cb2f449247e08d452d66c81d581e804eb4ac235884608910');
INSERT INTO public.ledger_events VALUES (22, '0caece3155854b3e96a2cad02713411f', 'd5e3b76ac72146b3914fe481b88e6c93', 'result', 'd04b7178753c5dc12ac5dec6e34f79e4430953a918c8012f38b4b12da78ff1d1', '{"as_built":null,"attributes":{"file":"\u00dc.csv","n":3},"censored":["z"],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":0.1,"z":-1e-300},"sem":{"y":0.01},"source":"simulation"}', '2026-03-01T12:10:00.000000+00:00', '', 'd94e4c5c5dea4c1338ea019bbc023118fbd76be8e31351a626ff6d4436b0675c');
INSERT INTO public.ledger_events VALUES (23, '0caece3155854b3e96a2cad02713411f', 'd5e3b76ac72146b3914fe481b88e6c93', 'result', '0145745b3c939b50a08269fb5436fe782a88626df262bb9988e827f375058a72', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":true,"is_final":true,"outcomes":{"y":0.2},"sem":{},"source":"python"}', '2026-03-01T12:11:00.000000+00:00', 'Bo', '89ef08b03e9e054581b26c6af18942f9923fd98ffdf6510f759cde0b8f64066e');
INSERT INTO public.ledger_events VALUES (24, '0caece3155854b3e96a2cad02713411f', 'a0aa44f95d54432fa3cbc9dd05f27eda', 'result', '825e5372c667015054c2689c6981c8ba28c6987e4665188aa605d53a18637d94', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":7.0},"sem":{},"source":"python"}', '2026-03-01T12:12:00.000000+00:00', '', '9aba7cf4445357a748a7781d82e807bb406ad08826f536dde976b66fe1bf78fb');
INSERT INTO public.ledger_events VALUES (25, '0caece3155854b3e96a2cad02713411f', 'a0aa44f95d54432fa3cbc9dd05f27eda', 'result', 'ac17dac169716f32b79e24600b3f2784cc5f6297e653a8acbd8d198a01ad43ab', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"areal_resistance_ohm_cm2":31.0},"sem":{},"source":"python"}', '2026-03-01T12:13:00.000000+00:00', '', '66f632d4563a937b198736e72756e0bda28c62d5ee05d2dd4c17f217876d5587');
INSERT INTO public.ledger_events VALUES (26, '0caece3155854b3e96a2cad02713411f', 'a0aa44f95d54432fa3cbc9dd05f27eda', 'excluded', '912a29a45ebafddfb73cb09501ecb35ff560bb52de3120924de81ef0843b0c55', '{"reason":"outlier"}', '2026-03-01T12:14:00.000000+00:00', 'Ada', 'cf6d00995999c620547652b4eabcdc1dfcaef13de14ac111e52d9b1aa7bda309');
INSERT INTO public.ledger_events VALUES (27, '0caece3155854b3e96a2cad02713411f', '12346e4b0bb2474c9ad32e40f5dbbc02', 'failure', '19c566f1db9ba17613525fed560e569f2a6e106d451e5bbedfaab5ed7e9c744a', '{"attempt":0,"kind":"cell","reason":"short circuit in cycle 1"}', '2026-03-01T12:15:00.000000+00:00', '', '6af8d92fcc000b910fb8e124166c897162ddf17b8742f1316159017c11f5b5ff');
INSERT INTO public.ledger_events VALUES (28, '0caece3155854b3e96a2cad02713411f', '20b80137eb3e4141b9eb45bb41592858', 'failure', '126dae750e03086ddde1cef4c251da1df3cc1d15ff253e1f2ed16d8d3b0bf185', '{"attempt":0,"kind":"equipment","reason":"cycler lost power"}', '2026-03-01T12:16:00.000000+00:00', '', 'e1e44c397a12ca33a75c4616fc54edff4b824a64922d59b895c8f4cd31167bbc');
INSERT INTO public.ledger_events VALUES (29, '0caece3155854b3e96a2cad02713411f', '076570d182af4609830d35c637e2f084', 'abandoned', '5d1fbf7914019c52ba485a2008aaf56313939464e8ea5d79fc5ec3402fb1db74', '{"reason":"no lithium"}', '2026-03-01T12:17:00.000000+00:00', 'Ada', '27676c96c399bd574d0a6e86dc088e1b075ef1e1da5ae8b4fbbcad283d254460');
INSERT INTO public.ledger_events VALUES (30, '0caece3155854b3e96a2cad02713411f', '87993427618f4b15bdd760df747312bc', 'result', '2dad104fc80c581d919150ea95b2526f9463caff40328b2b6ba18de5639b1f20', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":5.0},"sem":{},"source":"python"}', '2026-03-01T12:18:00.000000+00:00', '', 'ce08366ef95d17894106c3e57b510357dddee5f1d32a03485972575489102399');
INSERT INTO public.ledger_events VALUES (31, '0caece3155854b3e96a2cad02713411f', '87993427618f4b15bdd760df747312bc', 'voided', 'ac1c13da12d754ce234d190faf8c3c776c648ca5ab5e129eb259630cf57e1f88', '{"reason":"wrong foil"}', '2026-03-01T12:19:00.000000+00:00', 'Ada', '14022b2b26f892138e85333f081f77c56afc5e4623182d8fb124c8ad9ea25e57');
INSERT INTO public.ledger_events VALUES (32, '0caece3155854b3e96a2cad02713411f', '7569e9d2b0ea4a528607c4471dc76f86', 'result', '1f37b19295743b598c65c98b28308162af6ad34a752295ac59bbf9b1ad2c2ff0', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":1.0},"sem":{},"source":"python"}', '2026-03-01T12:20:00.000000+00:00', '', 'bc5ec59d68d54010a91e755d4b28324309b889c845cf887f83618e4f697e6958');
INSERT INTO public.ledger_events VALUES (33, '0caece3155854b3e96a2cad02713411f', '7569e9d2b0ea4a528607c4471dc76f86', 'result', '0c1e0c2e3553a113d556447343057a017ea6f2f43389831b0cfa11cabd8093bd', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":2.0},"sem":{},"source":"python"}', '2026-03-01T12:21:00.000000+00:00', 'Bo', 'b545688917fcc1959ab49cb67f5e2c6074ea15cbf4919d45582ec4a45c9760aa');
INSERT INTO public.ledger_events VALUES (34, '0caece3155854b3e96a2cad02713411f', '9bafa8ffdc494011af55e6df9b0366a2', 'result', '1f37b19295743b598c65c98b28308162af6ad34a752295ac59bbf9b1ad2c2ff0', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":1.0},"sem":{},"source":"python"}', '2026-03-01T12:22:00.000000+00:00', '', '7b8578f233751a68d0ed76081d202812d12b5c428e9ecab7d4617a6392213bbc');
INSERT INTO public.ledger_events VALUES (35, '0caece3155854b3e96a2cad02713411f', '9bafa8ffdc494011af55e6df9b0366a2', 'result', '0c1e0c2e3553a113d556447343057a017ea6f2f43389831b0cfa11cabd8093bd', '{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":2.0},"sem":{},"source":"python"}', '2026-03-01T12:23:00.000000+00:00', 'Bo', '55945d49359e7538601338c908619af4ae4f27948b3db114048dfbaace905950');
INSERT INTO public.ledger_events VALUES (36, '0caece3155854b3e96a2cad02713411f', '9bafa8ffdc494011af55e6df9b0366a2', 'settled', '41583a06ef19280bfce36be96592c6cc21e83d608f7261dedef261269ec31e9c', '{"keep":35,"kept":{"as_built":null,"attributes":{},"censored":[],"cycling_sha256":null,"is_correction":false,"is_final":true,"outcomes":{"y":2.0},"sem":{},"source":"python"},"reason":"the second cycler is right"}', '2026-03-01T12:24:00.000000+00:00', 'Ada', '636b207616048882523d42175f2b56e2e889353e7cafd9b55729e0edfc08688d');
INSERT INTO public.ledger_events VALUES (37, '0caece3155854b3e96a2cad02713411f', '10fbfde55be34aaaab0a226a52bfee9c', 'claimed', 'ca26da33178d1f8355628e408a6424597f795510f9e2fb7c4dde8a75063b4628', '{"attempt":1,"holder":{"host":"bench-1","instance":"another boot","pid":4711,"process_started_at":1000.0}}', '2026-03-01T12:25:00.000000+00:00', '', '24d52647ee9da9ae2fe65b085f349bb0f5d0271b301ae45f7db71bb6afc84921');
INSERT INTO public.ledger_events VALUES (38, '0caece3155854b3e96a2cad02713411f', '10fbfde55be34aaaab0a226a52bfee9c', 'failure', '659aa37b17063e6e26df50a73c392092753489da39492071ac04d302eebc9b85', '{"attempt":1,"kind":"equipment","reason":"channel 7"}', '2026-03-01T12:26:00.000000+00:00', '', 'b5f683ba20e542bc84c690df1d13721992d27922ef029bd6be25a643b8bca840');
INSERT INTO public.ledger_events VALUES (39, '0caece3155854b3e96a2cad02713411f', '10fbfde55be34aaaab0a226a52bfee9c', 'restored', '91ab9a6525ec92c1452bf2feacfd1a353476173a3178639d4f48bef06876a87b', '{"reason":"tried again"}', '2026-03-01T12:27:00.000000+00:00', 'afssb', '3d67529bf11d786c576097783e7f7fdb252af17a807045f6219f3fa124714e15');
INSERT INTO public.ledger_events VALUES (40, '0caece3155854b3e96a2cad02713411f', NULL, 'lab_held', '9edca3bc8ffaf3a9aaa96fa1b4c3e5d117fb0f5a118349dabcf1999fc309c7d2', '{"key":"0a","name":"Zelle 4.csv"}', '2026-03-01T12:28:00.000000+00:00', 'Ada', '88b7bd9a6cd60deec70aae797f477ad1b3b7db17f2fbec5d00c410764a1f5172');
INSERT INTO public.ledger_events VALUES (41, '0caece3155854b3e96a2cad02713411f', NULL, 'campaign_amended', 'c720c7a5ca565a11c760537a5e9020b57750547cd230473a71c6cc616b030d2d', '{"changes":["seed: 7 -> 8"],"config_sha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","definition":{"name":"stored \u00dc","objectives":{"y":{}},"seed":8,"space":{"x":{"high":99,"low":0}}}}', '2026-03-01T12:29:00.000000+00:00', '', '0ab48adf878c347ea1467fff9e76648cf7a5026c7cf3f3c3a04bf2e1de26a67c');
INSERT INTO public.ledger_meta VALUES ('schema_version', '1');
INSERT INTO public.ledger_trials VALUES ('fef7603ddf44445c8668943a5dd42546', '0caece3155854b3e96a2cad02713411f', 1, 'T0001-F', '69e8688e676e01b51e108a42f6663e4a1acec645bf19272b66facf5f766b4a75', '{"seed_alloy": "Ag-ZnO", "x": 0.0}', NULL, 'proposed', 1, 'guess 0 – µm', '{"seed":0}', NULL, NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 2, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('c7a2235367b548b8831c5f5870159b4d', '0caece3155854b3e96a2cad02713411f', 2, 'T0002-L', '72fcf864e0752d64c2aae17dacbefd553b85624dbfe4471da5422be2a5e100fe', '{"seed_alloy": "Ag-ZnO", "x": 1.0}', NULL, 'claimed', 1, 'guess 1 – µm', '{"seed":1}', NULL, NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 17, 0, 1, NULL);
INSERT INTO public.ledger_trials VALUES ('46dde138999942f4b5ab2f3f0f4df8b5', '0caece3155854b3e96a2cad02713411f', 3, 'T0003-S', 'da62fcbc957b65e5838d6a7c1cfb02b18fcde237aca9aed6871ebbad43ef6e12', '{"seed_alloy": "Ag-ZnO", "x": 2.0}', NULL, 'in_test', 1, 'guess 2 – µm', '{"seed":2}', NULL, NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 18, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('f6ecbf40bf53476ea93217a626b9fa02', '0caece3155854b3e96a2cad02713411f', 4, 'T0004-X', '025bfd876b0b2ab9c16f940e1f25adbd88847f15d7d7fa52baf0d4075cd4bcd5', '{"seed_alloy": "Ag-ZnO", "x": 3.0}', NULL, 'partial', 1, 'guess 3 – µm', '{"seed":3}', '{"attributes":{},"censored":["y"],"outcomes":{"y":3.0},"sem":{},"source":"lab"}', NULL, false, '', '9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd', '2026-03-01T12:03:00.000000+00:00', NULL, 19, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('b177c28740a44aa1b7ab3ac51d832334', '0caece3155854b3e96a2cad02713411f', 5, 'T0005-C', '543411259fa5f07cb63a5dd9d1662f025d17ed276273f6bad9a2d781769febf7', '{"seed_alloy": "Ag-ZnO", "x": 4.0}', '{"seed_alloy":"Ag","x":4.125}', 'completed', 2, 'guess 4 – µm', '{"seed":4}', '{"attributes":{"file":"\u00dc.csv","n":3},"censored":["z"],"outcomes":{"y":0.1,"z":-1e-300},"sem":{"y":0.01},"source":"simulation"}', NULL, false, '', '9ef16cb88f3201fd61b3e0eb0add39683d0a8c632bc13ae171a266c7b08d1fdd', '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:09:00.000000+00:00', 21, 0, 1, NULL);
INSERT INTO public.ledger_trials VALUES ('d5e3b76ac72146b3914fe481b88e6c93', '0caece3155854b3e96a2cad02713411f', 6, 'T0006-H', 'de9315cb1badcc8821929a41092555279a0327ad2feefef334bd5bb96e8b9e48', '{"seed_alloy": "Ag-ZnO", "x": 5.0}', NULL, 'completed', 2, 'guess 5 – µm', '{"seed":5}', '{"attributes":{},"censored":[],"outcomes":{"y":0.2},"sem":{},"source":"python"}', NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:10:00.000000+00:00', 23, 1, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('a0aa44f95d54432fa3cbc9dd05f27eda', '0caece3155854b3e96a2cad02713411f', 7, 'T0007-N', '5e92b8ae61697caa218392ba3ea3be556928cf10f6d67699e91c0794d759ecbd', '{"seed_alloy": "Ag-ZnO", "x": 6.0}', NULL, 'completed', 2, 'guess 6 – µm', '{"seed":6}', '{"attributes":{},"censored":[],"outcomes":{"areal_resistance_ohm_cm2":31.0,"y":7.0},"sem":{},"source":"python"}', NULL, true, 'outlier', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:12:00.000000+00:00', 26, 1, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('12346e4b0bb2474c9ad32e40f5dbbc02', '0caece3155854b3e96a2cad02713411f', 8, 'T0008-U', '1563a0a3da1899db0980061d807f4453faaca0df0dfa43c1b8983d84fb37228a', '{"seed_alloy": "Ag-ZnO", "x": 7.0}', NULL, 'failed', 2, 'guess 7 – µm', '{"seed":7}', NULL, '{"kind":"cell","reason":"short circuit in cycle 1"}', false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:15:00.000000+00:00', 27, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('20b80137eb3e4141b9eb45bb41592858', '0caece3155854b3e96a2cad02713411f', 9, 'T0009-Z', '1f399a0e13c88be885e037718b6b012283c890b3f3d43874c94fdfedf03059fe', '{"seed_alloy": "Ag-ZnO", "x": 8.0}', NULL, 'failed', 3, 'guess 8 – µm', '{"seed":8}', NULL, '{"kind":"equipment","reason":"cycler lost power"}', false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:16:00.000000+00:00', 28, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('076570d182af4609830d35c637e2f084', '0caece3155854b3e96a2cad02713411f', 10, 'T0010-C', '09adda63766db4cfc230b7e7be70353189c01a19f993bafe9f72cea807868991', '{"seed_alloy": "Ag-ZnO", "x": 9.0}', NULL, 'abandoned', 3, 'guess 9 – µm', '{"seed":9}', NULL, NULL, false, 'no lithium', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:17:00.000000+00:00', 29, 0, 0, 'proposed');
INSERT INTO public.ledger_trials VALUES ('87993427618f4b15bdd760df747312bc', '0caece3155854b3e96a2cad02713411f', 11, 'T0011-H', 'c36de42410d7bb061c5e7c18b206b58944e6a86f17700cbbcdc3afb21677b717', '{"seed_alloy": "Ag-ZnO", "x": 10.0}', NULL, 'void', 3, 'guess 10 – µm', '{"seed":10}', '{"attributes":{},"censored":[],"outcomes":{"y":5.0},"sem":{},"source":"python"}', NULL, false, 'wrong foil', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:19:00.000000+00:00', 31, 0, 0, 'completed');
INSERT INTO public.ledger_trials VALUES ('7569e9d2b0ea4a528607c4471dc76f86', '0caece3155854b3e96a2cad02713411f', 12, 'T0012-N', '74095e74e1f7696e2d23be3fb96f4d7995e43740abb53fa15fa27055cf5f3642', '{"seed_alloy": "Ag-ZnO", "x": 11.0}', NULL, 'disputed', 3, 'guess 11 – µm', '{"seed":11}', '{"attributes":{},"censored":[],"outcomes":{"y":1.0},"sem":{},"source":"python"}', NULL, false, '', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:21:00.000000+00:00', 33, 0, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('9bafa8ffdc494011af55e6df9b0366a2', '0caece3155854b3e96a2cad02713411f', 13, 'T0013-U', '36d0034b68d35f62336e2eaaf6bc20b266403ad29ecf2d98911f6a3efd2ac748', '{"seed_alloy": "Ag-ZnO", "x": 12.0}', NULL, 'completed', 4, 'guess 12 – µm', '{"seed":12}', '{"attributes":{},"censored":[],"outcomes":{"y":2.0},"sem":{},"source":"python"}', NULL, false, 'the second cycler is right', NULL, '2026-03-01T12:03:00.000000+00:00', '2026-03-01T12:24:00.000000+00:00', 36, 1, 0, NULL);
INSERT INTO public.ledger_trials VALUES ('10fbfde55be34aaaab0a226a52bfee9c', '0caece3155854b3e96a2cad02713411f', 14, 'T0014-Z', 'bf331dd7b25d4d795ef926ccf8eb440cd2aa2a9ca3e57b319726d978e95926a6', '{"seed_alloy": "Ag-ZnO", "x": 13.0}', NULL, 'proposed', 4, 'guess 13 – µm', '{"seed":13}', NULL, NULL, false, 'tried again', NULL, '2026-03-01T12:03:00.000000+00:00', NULL, 39, 0, 1, NULL);
INSERT INTO public.ledger_trials VALUES ('742533c5976645699674613ddf3dba2b', '0caece3155854b3e96a2cad02713411f', 15, 'T0015-E', '543411259fa5f07cb63a5dd9d1662f025d17ed276273f6bad9a2d781769febf7', '{"seed_alloy": "Ag-ZnO", "x": 4.0}', NULL, 'proposed', 4, 'again on purpose', '{}', NULL, NULL, false, '', NULL, '2026-03-01T12:04:00.000000+00:00', NULL, 16, 0, 0, NULL);
SELECT pg_catalog.setval('public.ledger_events_seq_seq', 41, true);
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
